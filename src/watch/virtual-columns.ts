import { quoteLiteral } from '../sql/quote.js';
import type { LogFunction } from './log-function.js';

/**
 * Functions for VIRTUAL generated columns (PostgreSQL 18), which nothing stores: a transition table
 * has NULL in their place, or fails the statement that reads them. Their expressions can be
 * computed from the other columns of the same row: PostgreSQL allows them nothing but these, and
 * functions and types of its own.
 */
export const VIRTUAL_COLUMN_FUNCTIONS: Readonly<Record<string, LogFunction>> = {
  /**
   * True if the table has a VIRTUAL column, or if the transaction's snapshot is older than its
   * columns. Declared immutable so that the planner replaces each call with its result: in a
   * statement that reads a transition table of the same table, which PostgreSQL plans again after
   * each ALTER TABLE, it costs nothing.
   */
  has_virtual: {
    head: `(of_schema text, of_name text) returns boolean language plpgsql immutable`,
    body: `begin
  return exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = of_schema and c.relname = of_name
      and (exists (select from pg_attribute a where a.attrelid = c.oid and a.attgenerated = 'v' and not a.attisdropped) or rivulet.is_stale(c.oid)));
end`,
  },

  /**
   * True if the table was altered after the snapshot of a REPEATABLE READ transaction, which
   * therefore does not see its columns in the catalog. ALTER TABLE makes new versions of rows in
   * pg_class or pg_attribute; `currtid2` follows the versions past the snapshot.
   */
  is_stale: {
    head: `(relation oid) returns boolean language sql stable`,
    body: `select current_setting('transaction_isolation') in ('repeatable read', 'serializable') and (
    coalesce((select currtid2('pg_catalog.pg_class', c.ctid) <> c.ctid from pg_class c where c.oid = relation), true)
    or exists (select from pg_attribute a where a.attrelid = relation and a.attnum > 0 and currtid2('pg_catalog.pg_attribute', a.ctid) <> a.ctid))`,
  },

  /** An expression for the text of a column of a transition table's row `r`. */
  cell: {
    head: `(relation oid, attribute smallint) returns text language sql stable`,
    body: `select case when a.attgenerated = 'v' then format('((%s)::%s)::text', pg_get_expr(d.adbin, d.adrelid), format_type(a.atttypid, a.atttypmod))
      else format('r.%I::text', a.attname) end
    from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = relation and a.attnum = attribute`,
  },

  /**
   * A query that computes every VIRTUAL column of the rows that the calling trigger's statement
   * wrote, or NULL if there is none. It fails where a query of the table fails, too (a division by
   * zero), so that the trigger can find out without failing the write.
   */
  virtual_probe: {
    head: `(relation oid, op text) returns text language sql stable`,
    body: `select string_agg(format('select %s from %s as r', p.counts, t.name), ' union all ')
    from (select string_agg(format('count(%s)', rivulet.cell(a.attrelid, a.attnum)), ', ') as counts from pg_attribute a
      where a.attrelid = relation and a.attgenerated = 'v' and not a.attisdropped) as p
    cross join unnest(case op when 'INSERT' then '{rivulet_new}' when 'DELETE' then '{rivulet_old}' when 'UPDATE' then '{rivulet_old,rivulet_new}' end::text[]) as t(name)
    where p.counts is not null`,
  },
};

/**
 * An expression that is true if images of the table must be computed from the catalog. Only good in
 * statements that read a transition table.
 */
export function hasVirtual(table: { readonly sqlSchema: string; readonly sqlName: string }): string {
  return `rivulet.has_virtual(${quoteLiteral(table.sqlSchema)}, ${quoteLiteral(table.sqlName)})`;
}
