import { type AnyRelations, defineRelations } from 'drizzle-orm';
import { integer, type PgTable, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import fc from 'fast-check';

/** A random schema of foreign keys, as data. Columns are integers: the key's, two or more for each foreign key, and `v`. */
export interface CascadeSchema {
  readonly tables: readonly CascadeTable[];
}

export interface CascadeTable {
  readonly name: string;
  readonly key: readonly string[];
  readonly foreignKeys: readonly ForeignKey[];
  readonly isPartitioned: boolean;
  readonly trigger: RowTrigger;
}

interface ForeignKey {
  readonly columns: readonly string[];
  readonly target: number;
  readonly onDelete: string;
  readonly onUpdate: string;
  readonly timing: string;
}

/** `none`; one that changes the row before it is written; or one that updates the same row again, before the statement's own triggers. */
type RowTrigger = 'none' | 'before' | 'after';

const ACTIONS = [
  'set null',
  'set null',
  'cascade',
  'cascade',
  'set default',
  'restrict',
  'no action',
] as const;
const TIMINGS = ['', 'deferrable initially deferred', 'deferrable'] as const;

const drawnTable = fc.record({
  isComposite: fc.boolean(),
  isPartitioned: fc.nat({ max: 3 }).map((n) => n === 0),
  isKeyReference: fc.boolean(),
  trigger: fc.constantFrom<RowTrigger>('none', 'none', 'none', 'before', 'after'),
  foreignKeys: fc.array(
    fc.record({
      target: fc.nat({ max: 3 }),
      onDelete: fc.constantFrom(...ACTIONS),
      onUpdate: fc.constantFrom(...ACTIONS),
      timing: fc.constantFrom(...TIMINGS),
    }),
    { minLength: 0, maxLength: 3 },
  ),
});

/** Several keys to one table, references to the table itself, diamonds, and keys that are references, too. */
export const cascadeSchema: fc.Arbitrary<CascadeSchema> = fc
  .array(drawnTable, { minLength: 1, maxLength: 4 })
  .map((drawn) => {
    const keys = drawn.map(({ isComposite }) => (isComposite ? ['a', 'b'] : ['id']));
    return {
      tables: drawn.map((table, at): CascadeTable => {
        const foreignKeys = table.foreignKeys.map((foreignKey, i): ForeignKey => {
          const target = foreignKey.target % drawn.length;
          const isOfKey = i === 0 && table.isKeyReference && table.isComposite && keys[target]!.length === 1;
          const columns = isOfKey ? ['a'] : keys[target]!.map((column) => `f${i}_${column}`);
          return { ...foreignKey, target, columns };
        });
        const { isPartitioned, trigger } = table;
        return { name: `t${at}`, key: keys[at]!, foreignKeys, isPartitioned, trigger };
      }),
    };
  });

export function columnsOf(table: CascadeTable): readonly string[] {
  return [...new Set([...table.key, ...table.foreignKeys.flatMap(({ columns }) => columns), 'v'])];
}

/** `isMisdeclared`: with another type for `v` than the table has, so that each image has to describe itself. */
export function relationsOf(schema: CascadeSchema, isMisdeclared = false): AnyRelations {
  const tables: Record<string, PgTable> = {};
  for (const table of schema.tables) {
    const columns = Object.fromEntries(
      columnsOf(table).map((name) => [name, isMisdeclared && name === 'v' ? text(name) : integer(name)]),
    );
    tables[table.name] = pgTable(table.name, columns, (own) => {
      const [first, ...others] = table.key.map((name) => own[name]!);
      return [primaryKey({ columns: [first!, ...others] })];
    });
  }
  return defineRelations(tables) as unknown as AnyRelations;
}

export function schemaSql({ tables }: CascadeSchema): string {
  return [
    ...tables.flatMap(tableSql),
    ...tables.flatMap(({ name, foreignKeys }) =>
      foreignKeys.map(
        ({ columns, target, onDelete, onUpdate, timing }) =>
          `alter table ${name} add foreign key (${columns.join(', ')}) references ${tables[target]!.name} on delete ${onDelete} on update ${onUpdate} ${timing};`,
      ),
    ),
  ].join('\n');
}

/** Seven rows in each table, and something that each of them refers to: several to one, where `shift` is 0 each to its own number. */
export function fillSql({ tables }: CascadeSchema, shift: number): string {
  const inserts = tables.map((table) => {
    const columns = columnsOf(table).map((column) => {
      if (column === 'v') return 'i';
      if (column.endsWith('b')) return '1';
      return table.key.includes(column)
        ? 'i'
        : `1 + (i ${column.startsWith('f1') ? '/ 2' : ''} + ${shift}) % 7`;
    });
    return `insert into ${table.name} select ${columns.join(', ')} from generate_series(1, 7) i;`;
  });
  return `set session_replication_role = replica;\n${inserts.join('\n')}\nreset session_replication_role`;
}

function tableSql(table: CascadeTable): string[] {
  const { name, key, isPartitioned, trigger } = table;
  const columns = columnsOf(table).map(
    (column) => `${column} int${column.startsWith('f0') ? ' default 1' : ''}`,
  );
  const create = `create table ${name} (${columns.join(', ')}, primary key (${key.join(', ')}))`;
  const parts = isPartitioned
    ? [
        `${create} partition by range (${key[0]});`,
        `create table ${name}_low partition of ${name} for values from (minvalue) to (4);`,
        `create table ${name}_high partition of ${name} for values from (4) to (maxvalue);`,
      ]
    : [`${create};`];
  if (trigger === 'before') {
    parts.push(`create function ${name}_before() returns trigger language plpgsql as $$ begin
        if new.v = 3 then return null; end if;
        new.v := coalesce(new.v, 0) + 1; return new; end $$;
      create trigger user_before before insert or update on ${name} for each row execute function ${name}_before();`);
  }
  if (trigger === 'after') {
    parts.push(`create function ${name}_after() returns trigger language plpgsql as $$ begin
        if pg_trigger_depth() < 3 then
          update ${name} set v = coalesce(v, 0) + 1 where ${key.map((column) => `${column} = new.${column}`).join(' and ')};
        end if; return null; end $$;
      create trigger user_after after insert or update on ${name} for each row execute function ${name}_after();`);
  }
  return parts;
}
