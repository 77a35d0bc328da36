import fc from 'fast-check';
import { type CascadeSchema, type CascadeTable, columnsOf } from './cascade-schema.js';

/** Returns no row: one that came before the commit failed would stand among those of the connection's next query. */
const NOTHING = 'do $$ begin end $$';

/** Makes the SQL of one statement against whatever schema was drawn. */
type Statement = (schema: CascadeSchema) => string;

const small = fc.option(fc.integer({ min: 1, max: 7 }), { freq: 3 });
const values = fc.array(small, { minLength: 12, maxLength: 12 });
const drawn = fc.record({
  table: fc.nat({ max: 3 }),
  rows: fc.array(values, { minLength: 1, maxLength: 6 }),
  by: fc.integer({ min: 1, max: 7 }),
  pick: fc.nat({ max: 7 }),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

const tableOf = (schema: CascadeSchema, { table }: Drawn): CascadeTable =>
  schema.tables[table % schema.tables.length]!;

/** Rows with different keys; the key's columns are never NULL. */
function rowsOf(table: CascadeTable, { rows }: Drawn): string {
  const columns = columnsOf(table);
  const seen = new Set<string>();
  const tuples: string[] = [];
  for (const row of rows) {
    const cells = columns.map((column, i) =>
      table.key.includes(column) ? (row[i] ?? 1) : row[i] === null ? 'null::int' : row[i],
    );
    const key = JSON.stringify(cells.slice(0, table.key.length));
    if (!seen.has(key)) tuples.push(`(${cells.join(', ')})`);
    seen.add(key);
  }
  return tuples.join(', ');
}

function picked(table: CascadeTable, { pick, by }: Drawn): string {
  const first = table.key[0]!;
  const ways = ['true', `${first} = ${by}`, `${first} > ${by}`, `${first} % 2 = 0`, `v is not null`];
  return ways[pick % ways.length]!;
}

const references = (table: CascadeTable): readonly string[] =>
  columnsOf(table).filter((column) => column !== 'v' && !table.key.includes(column));

const KINDS: Readonly<Record<string, (table: CascadeTable, d: Drawn, isMerging: boolean) => string>> = {
  insert: (table, d) => `insert into ${table.name} values ${rowsOf(table, d)} on conflict do nothing`,
  upsert: (table, d) =>
    `insert into ${table.name} values ${rowsOf(table, d)} on conflict (${table.key.join(', ')}) do update set v = coalesce(${table.name}.v, 0) + ${d.by}`,
  update: (table, d) => `update ${table.name} set v = coalesce(v, 0) + ${d.by} where ${picked(table, d)}`,
  key: (table, d) =>
    `update ${table.name} set ${table.key[d.pick % table.key.length]} = ${table.key[d.pick % table.key.length]} + ${d.by} where ${picked(table, d)}`,
  reference: (table, d) => {
    const columns = references(table);
    if (columns.length === 0) return `update ${table.name} set v = null where ${picked(table, d)}`;
    return `update ${table.name} set ${columns.map((column, i) => `${column} = ${d.rows[0]![i] ?? 'null'}`).join(', ')} where ${picked(table, d)}`;
  },
  // The row refers to itself, where it can.
  own: (table, d) => {
    const { columns, target } = table.foreignKeys.at(-1) ?? { columns: [], target: -1 };
    const isFree = columns.length > 0 && columns.every((column) => !table.key.includes(column));
    if (!isFree || columns.length > table.key.length || target < 0) return NOTHING;
    return `update ${table.name} set ${columns.map((column, i) => `${column} = ${table.key[i]}`).join(', ')} where ${picked(table, d)}`;
  },
  remove: (table, d) => `delete from ${table.name} where ${picked(table, d)}`,
  exchange: (table, d) => `update ${table.name} set ${table.key[0]} = ${d.by + 8} - ${table.key[0]}`,
  together: (table, d) =>
    `with gone as (delete from ${table.name} where ${table.key[0]} = ${d.by} returning 1) update ${table.name} set v = ${d.pick} where ${table.key[0]} <> ${d.by}`,
  merge: (table, d, isMerging) => {
    if (!isMerging) return NOTHING;
    const columns = columnsOf(table);
    const on = table.key.map((column) => `m.${column} = s.${column}`).join(' and ');
    const remove = d.pick < 4 ? `when matched and s.v > 4 then delete` : '';
    const update =
      d.pick % 2 === 0 ? 'v = coalesce(s.v, 0)' : `${table.key[0]} = m.${table.key[0]} + ${d.by}`;
    return `merge into ${table.name} m using (values ${rowsOf(table, d)}) s (${columns.join(', ')}) on ${on} ${remove}
      when matched then update set ${update}
      when not matched then insert values (${columns.map((column) => `s.${column}`).join(', ')})`;
  },
  truncate: (table, d) => (d.pick === 0 ? `truncate ${table.name} cascade` : NOTHING),
};

/** The statements of one transaction. */
export const cascadeTransaction = (isMerging: boolean): fc.Arbitrary<readonly Statement[]> =>
  fc.array(
    fc.tuple(fc.constantFrom('insert', 'insert', ...Object.keys(KINDS)), drawn).map(
      ([kind, d]): Statement =>
        (schema) =>
          KINDS[kind]!(tableOf(schema, d), d, isMerging),
    ),
    { minLength: 1, maxLength: 3 },
  );
