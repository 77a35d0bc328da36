import { type AnyRelations, getColumns, is, SQL } from 'drizzle-orm';
import { getTableConfig, type PgColumn, PgTable } from 'drizzle-orm/pg-core';
import type { Model, ModelColumn, ModelParent, ModelRelation, ModelTable } from '../../shared/model/types.js';
import { checkModel } from './check.js';
import { factsOf, readColumnType } from './column-type.js';
import { setDrizzleColumn, setDrizzleTable } from './drizzle.js';
import { idColumnField, type NameOverrides, tableNames } from './graphql-names.js';
import { readParents } from './parents.js';
import { keyPairs, readRelations } from './relations.js';
import { SchemaProblems } from './schema-problems.js';

export interface ReadModelOptions {
  /** GraphQL names that differ from the ones derived, by Drizzle's key of the table. */
  readonly names?: Readonly<Record<string, NameOverrides>> | undefined;
}

/** The result of `defineRelations`, with or without relations. */
export type SchemaRelations = Readonly<
  Record<string, { readonly table: unknown; readonly name: string; readonly relations: unknown }>
>;

/**
 * Reads the output of Drizzle's `defineRelations` once, into plain frozen data. Views and
 * subqueries are left out. Throws `SCHEMA_INVALID`, which lists every problem, when the schema
 * cannot be served.
 */
export function readModel(schema: SchemaRelations, options: ReadModelOptions = {}): Model {
  const relations = schema as AnyRelations;
  const problems = new SchemaProblems();
  const drizzleTables = new Map<string, PgTable>();
  for (const [name, { table }] of Object.entries(relations)) {
    if (is(table, PgTable)) drizzleTables.set(name, table);
  }
  const references = keyPairs(relations, drizzleTables);
  const tables = new Map<string, ReadTable>();
  for (const [name, drizzle] of drizzleTables) {
    const read = readTable(name, drizzle, {
      references: references.get(name) ?? new Set(),
      override: options.names?.[name],
      relationNames: Object.keys(relations[name]!.relations),
    });
    if (read.key.length === 0) {
      problems.add('SCHEMA_NO_PRIMARY_KEY', name, 'the table has no primary key');
    }
    tables.set(name, read);
  }
  readRelations(relations, tables, problems);
  for (const table of tables.values()) {
    table.parents = readParents(table, [...tables.values()]);
    Object.freeze(table);
  }
  const model = Object.freeze(new ReadModel([...tables.values()]));
  checkModel(model, problems);
  problems.throwIfAny();
  return model;
}

class ReadModel implements Model {
  readonly tables: readonly ModelTable[];
  readonly #byName: ReadonlyMap<string, ModelTable>;

  constructor(tables: readonly ModelTable[]) {
    this.tables = Object.freeze(tables);
    this.#byName = new Map(tables.map((table) => [table.name, table]));
  }

  table(name: string): ModelTable {
    const found = this.#byName.get(name);
    if (!found) throw new TypeError(`the model has no table ${name}`);
    return found;
  }

  find(name: string): ModelTable | undefined {
    return this.#byName.get(name);
  }
}

class ReadTable implements ModelTable {
  readonly name: string;
  readonly typeName: string;
  readonly fields: { readonly one: string; readonly many: string };
  readonly sqlSchema: string;
  readonly sqlName: string;
  readonly columns: readonly ModelColumn[];
  readonly key: readonly ModelColumn[];
  /**
   * Filled by `readRelations` before the table is frozen, since relations name columns of other
   * tables.
   */
  relations: readonly ModelRelation[] = [];
  parents: readonly ModelParent[] = [];
  readonly #columns: ReadonlyMap<string, ModelColumn>;
  readonly #fields: ReadonlyMap<string, ModelColumn>;

  constructor(
    fields: Omit<
      ModelTable,
      'relations' | 'parents' | 'column' | 'findColumn' | 'findField' | 'findRelation'
    >,
  ) {
    this.name = fields.name;
    this.typeName = fields.typeName;
    this.fields = Object.freeze(fields.fields);
    this.sqlSchema = fields.sqlSchema;
    this.sqlName = fields.sqlName;
    this.columns = Object.freeze(fields.columns);
    this.key = Object.freeze(fields.key);
    this.#columns = new Map(fields.columns.map((column) => [column.name, column]));
    this.#fields = new Map(fields.columns.map((column) => [column.field, column]));
  }

  column(name: string): ModelColumn {
    const found = this.#columns.get(name);
    if (!found) throw new TypeError(`table ${this.name} has no column ${name}`);
    return found;
  }

  findColumn(name: string): ModelColumn | undefined {
    return this.#columns.get(name);
  }

  findField(name: string): ModelColumn | undefined {
    return this.#fields.get(name);
  }

  findRelation(name: string): ModelRelation | undefined {
    return this.relations.find((relation) => relation.name === name);
  }
}

export interface ReadTableOptions {
  /** The columns that are keys' ends elsewhere. */
  readonly references?: ReadonlySet<string> | undefined;
  readonly override?: NameOverrides | undefined;
  readonly relationNames?: readonly string[] | undefined;
}

/** One table without relations. */
export function readTable(
  name: string,
  drizzle: PgTable,
  { references = new Set(), override, relationNames = [] }: ReadTableOptions = {},
): ReadTable {
  const config = getTableConfig(drizzle);
  const keyNames = new Set(config.columns.filter((column) => column.primary).map((column) => column.name));
  for (const key of config.primaryKeys) for (const column of key.columns) keyNames.add(column.name);
  const properties = Object.keys(getColumns(drizzle));
  const columns = Object.entries(getColumns(drizzle)).map(([property, column], index): ModelColumn => {
    const { type, castType } = readColumnType(column);
    const identity = column.generatedIdentity?.type;
    const read: ModelColumn = Object.freeze({
      name: property,
      field:
        property === 'id' && !(keyNames.size === 1 && keyNames.has(column.name))
          ? idColumnField([...properties, ...relationNames])
          : property,
      sqlName: column.name,
      index,
      type,
      castType,
      notNull: column.notNull || keyNames.has(column.name),
      hasDefault: column.hasDefault || identity !== undefined || column.generated !== undefined,
      generated: column.generated || identity === 'always' ? 'always' : identity ? 'byDefault' : 'no',
      isFedBySequence: identity !== undefined || isFedBySequence(column),
      isKey: keyNames.has(column.name),
      isReference: references.has(property),
      facts: factsOf(type),
    });
    setDrizzleColumn(read, column);
    return read;
  });
  const keyOrder = config.primaryKeys[0]?.columns.map((column) => column.name) ?? [...keyNames];
  const names = tableNames(name, override);
  const table = new ReadTable({
    name,
    typeName: names.type,
    fields: { one: names.one, many: names.many },
    sqlSchema: config.schema ?? 'public',
    sqlName: config.name,
    columns,
    key: keyOrder.map((sqlName) => columns.find((column) => column.sqlName === sqlName)!),
  });
  setDrizzleTable(table, drizzle);
  return table;
}

/**
 * Drizzle's serial types have no default of their own; `nextval` stands in the text of an SQL
 * default.
 */
function isFedBySequence(column: PgColumn): boolean {
  if (/serial/i.test(column.getSQLType())) return true;
  const { default: value } = column;
  return is(value, SQL) && /\bnextval\s*\(/i.test(JSON.stringify(value.queryChunks.map(textOf)));
}

function textOf(chunk: unknown): unknown {
  return typeof chunk === 'object' && chunk !== null && 'value' in chunk ? chunk.value : '';
}
