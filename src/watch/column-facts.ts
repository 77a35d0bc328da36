import type { Model } from '../../shared/model/types.js';
import type { QueryRunner } from '../database/types.js';
import { quoteName } from '../sql/quote.js';

/**
 * Fills in what only the catalog knows of the model's columns: texts under a nondeterministic
 * collation are equal to others, so that only PostgreSQL can compare them.
 */
export async function fillColumnFacts(database: QueryRunner, model: Model): Promise<void> {
  const rows = await database.query({
    text: `select n.nspname, c.relname, a.attname, cn.nspname, co.collname
      from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      join pg_collation co on co.oid = a.attcollation join pg_namespace cn on cn.oid = co.collnamespace
      where not co.collisdeterministic and a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p')`,
    params: [],
  });
  for (const [sqlSchema, sqlTable, sqlColumn, collationSchema, collation] of rows) {
    for (const table of model.tables) {
      if (table.sqlSchema !== sqlSchema || table.sqlName !== sqlTable) continue;
      const column = table.columns.find(({ sqlName }) => sqlName === sqlColumn);
      if (!column) continue;
      column.facts.equality = 'database';
      column.facts.collation = quoteName(collationSchema!, collation!);
    }
  }
}
