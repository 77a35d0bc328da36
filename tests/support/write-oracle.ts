import type { Database, QueryRunner } from '../../src/database/types.js';
import { literal, type RandomFilter, type RandomPolicies, toSql } from './write-policies.js';
import type { World, WorldTable } from './write-world.js';

export type Row = Readonly<Record<string, string | number | null>>;

export type RandomWrite =
  | { readonly kind: 'insert'; readonly table: WorldTable; readonly rows: readonly Row[] }
  | {
      readonly kind: 'update';
      readonly table: WorldTable;
      readonly where: RandomFilter;
      readonly set: Row;
      readonly id?: string;
    }
  | {
      readonly kind: 'delete';
      readonly table: WorldTable;
      readonly where: RandomFilter;
      readonly id?: string;
    };

/** `ok` with the ids of the rows that the writer is shown, or the code of the error. */
export type Verdict = { readonly code: string; readonly ids: readonly string[] };

const ROLE = 'rls_writer';
const REFUSED = '42501';
const CODES: Readonly<Record<string, string>> = {
  [REFUSED]: 'WRITE_FORBIDDEN',
  '23505': 'CONSTRAINT_UNIQUE',
  '23503': 'CONSTRAINT_FOREIGN_KEY',
  '23514': 'CONSTRAINT_CHECK',
};

/** SQL that makes the role and what worlds share. */
export const ORACLE_SETUP = `
  do $$ begin create role ${ROLE} nologin nobypassrls; exception when duplicate_object then null; end $$;
  create function public.rewrite() returns trigger language plpgsql as
    $$ begin if new.s = 'c' then new.n = 1; end if; return new; end $$;
`;

/**
 * The policies as row level security of the tables in `schema`. What a policy reads of other tables it reads through views of their owner, as
 * Rivulet's policies do: they are not narrowed by each other.
 */
export function securitySql(world: World, policies: RandomPolicies, schema: string): string {
  const raw = `${schema}_raw`;
  const views = world.tables.map(
    ({ name }) => `create view ${raw}.${name} as select * from ${schema}.${name};`,
  );
  const rules = world.tables.map((table) => {
    const { read, insert, update, delete: remove } = policies[table.name]!;
    const on = `on ${schema}.${table.name}`;
    const sql = (rule: unknown) => toSql(world, table, rule, table.name, raw);
    return `
      alter table ${schema}.${table.name} enable row level security;
      create policy p_read ${on} for select using (current_setting('oracle.open', true) = 'on' or ${sql(read)});
      create policy p_insert ${on} for insert with check (${sql(insert)});
      create policy p_update ${on} for update using (${sql(update)}) with check (${sql(update)});
      create policy p_delete ${on} for delete using (${sql(remove)});`;
  });
  return `create schema ${raw}; ${views.join(' ')} ${rules.join(' ')}
    grant usage on schema ${schema}, ${raw} to ${ROLE};
    grant all on all tables in schema ${schema}, ${raw} to ${ROLE};`;
}

/** Gives a write to PostgreSQL as the role, and commits what it allows. */
export async function writeUnderSecurity(
  db: Database,
  world: World,
  policies: RandomPolicies,
  schema: string,
  write: RandomWrite,
): Promise<Verdict> {
  let verdict: Verdict = { code: 'none', ids: [] };
  try {
    await db.transaction(async (tx) => {
      await tx.script(`set local role ${ROLE}; set local oracle.open = 'off'`);
      verdict = await perform(tx, world, policies, schema, write);
      if (verdict.code !== 'ok') throw new Error('undo');
    });
  } catch (error) {
    if (verdict.code === 'none' || verdict.code === 'ok') verdict = { code: codeOf(error), ids: [] };
  }
  return verdict;
}

async function perform(
  tx: QueryRunner,
  world: World,
  policies: RandomPolicies,
  schema: string,
  write: RandomWrite,
): Promise<Verdict> {
  const { table } = write;
  const at = `${schema}.${table.name}`;
  const key = `row(${table.key.join(', ')})`;
  const id = table.key.map((name) => `${name}::text`).join(` || ':' || `);
  const ids = async (text: string) => (await tx.query({ text, params: [] })).map(([value]) => value!).sort();
  const keysOf = (rows: readonly Row[]) =>
    rows.map((row) => `row(${table.key.map((name) => literal(row[name]!)).join(', ')})`).join(', ');

  if (write.kind === 'delete') {
    const where = toSql(world, table, write.where, table.name, schema);
    return { code: 'ok', ids: await ids(`delete from ${at} where ${where} returning ${id}`) };
  }
  if (write.kind === 'insert') {
    for (const row of write.rows) {
      if (await isRefused(tx, insertSql(at, [row]))) return { code: 'WRITE_FORBIDDEN', ids: [] };
      const failed = await failedReference(tx, policies, schema, table, row, write.rows);
      if (failed) return { code: 'CONSTRAINT_FOREIGN_KEY', ids: [] };
    }
    await tx.script(insertSql(at, write.rows));
    // Rivulet reads the rows back after the write, by what the writer may read then.
    const seen = await ids(`select ${id} from ${at} where ${key} in (${keysOf(write.rows)})`);
    return seen.length === write.rows.length
      ? { code: 'ok', ids: seen }
      : { code: 'WRITE_FORBIDDEN', ids: [] };
  }
  const where = toSql(world, table, write.where, table.name, schema);
  const locked = await ids(`select ${key}::text from (select * from ${at} where ${where} for update) x`);
  if (locked.length === 0) return { code: 'ok', ids: [] };
  // An update may take a row out of its writer's sight, which row level security would refuse.
  const isReferring = !(await failedReference(tx, policies, schema, table, write.set));
  await tx.script(`set local oracle.open = 'on'`);
  const set = Object.entries(write.set).map(([name, value]) => `${name} = ${literal(value)}`);
  const update = (keys: readonly string[]) =>
    `update ${at} set ${set.join(', ')} where ${key}::text in (${keys.map(literal).join(', ')})`;
  for (const each of locked) {
    if (await isRefused(tx, update([each]))) return { code: 'WRITE_FORBIDDEN', ids: [] };
  }
  if (!isReferring) return { code: 'CONSTRAINT_FOREIGN_KEY', ids: [] };
  const changed = await ids(`${update(locked)} returning ${id}`);
  await tx.script(`set local oracle.open = 'off'`);
  const seen = `select ${id} from ${at} where ${id} in (${changed.map(literal).join(', ')})`;
  return { code: 'ok', ids: await ids(seen) };
}

/** True where row level security refuses the statement, which is undone. Constraints are violated later, and do not count here. */
async function isRefused(tx: QueryRunner, text: string): Promise<boolean> {
  await tx.script('savepoint attempt');
  try {
    await tx.script(text);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === REFUSED;
  } finally {
    await tx.script('rollback to savepoint attempt');
  }
}

/**
 * The reference of `row` to a row that the role may not read, or that is not there; a row of an insert may refer to another of its batch.
 */
async function failedReference(
  tx: QueryRunner,
  policies: RandomPolicies,
  schema: string,
  table: WorldTable,
  row: Row,
  batch: readonly Row[] = [],
): Promise<string | undefined> {
  for (const { column, target, isFree, constraint } of table.references) {
    // Where every parent may be read the foreign key itself says as much.
    if (constraint !== 'none' && policies[target]!.read === true) continue;
    const value = row[column] ?? null;
    const isSibling = target === table.name && batch.some(({ id }) => id === value);
    if (isFree || value === null || isSibling) continue;
    const found = await tx.query({
      text: `select 1::text from ${schema}.${target} where id = ${literal(value)}`,
      params: [],
    });
    if (found.length === 0) return column;
  }
  return undefined;
}

function insertSql(at: string, rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const tuple = (row: Row) =>
    `(${names.map((name) => (name in row ? literal(row[name]!) : 'default')).join(', ')})`;
  return `insert into ${at} (${names.join(', ')}) values ${rows.map(tuple).join(', ')}`;
}

function codeOf(error: unknown): string {
  const code = String((error as { code?: unknown }).code);
  return CODES[code] ?? `${code} ${String(error)}`;
}
