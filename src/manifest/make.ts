import { isOrderable, operatorsFor } from '../../shared/filter/operators.js';
import type { OrderDirection } from '../../shared/filter/types.js';
import {
  MANIFEST_VERSION,
  type Manifest,
  type ManifestColumn,
  type ManifestLimits,
  type ManifestRelation,
  type ManifestTable,
  type ManifestType,
} from '../../shared/manifest/types.js';
import type { ColumnType, Model, ModelColumn, ModelRelation, ModelTable } from '../../shared/model/types.js';
import { hashText } from './hash.js';
import { type ManifestVisibility, whereAsJson } from './where-as-json.js';

/** The facts of the served GraphQL schema that the manifest needs. */
export interface ManifestOptions {
  readonly limits: ManifestLimits;
  /** GraphQL's names of the labels of an enum, in the same order. */
  readonly enumNames: (labels: readonly string[]) => readonly string[];
  /** True if a column is shown as `ID`. */
  readonly isId: (column: ModelColumn) => boolean;
  /**
   * The columns that clients may know to exist. Default: all. Key columns are always among them.
   */
  readonly columns?: (table: ModelTable) => readonly ModelColumn[];
}

const ORDER_DIRECTIONS: readonly OrderDirection[] = [
  'ASC',
  'DESC',
  'ASC_NULLS_FIRST',
  'ASC_NULLS_LAST',
  'DESC_NULLS_FIRST',
  'DESC_NULLS_LAST',
];

/**
 * The manifest of a model. `exposed` says which tables exist for clients; what is not exposed is
 * not named anywhere: no table, no column, no relation to it, and a relation whose rule would name
 * it is marked `hidden`.
 */
export function makeManifest(
  model: Model,
  exposed: (table: ModelTable) => boolean,
  options: ManifestOptions,
): Manifest {
  const columnSets = new Map(
    model.tables.map((table) => [
      table,
      new Set([...table.key, ...(options.columns?.(table) ?? table.columns)]),
    ]),
  );
  const known: ManifestVisibility = { table: exposed, columns: (table) => columnSets.get(table)! };
  const { defaultRows, maxRows, maxDepth } = options.limits;
  const content = {
    version: MANIFEST_VERSION,
    tables: model.tables.filter(exposed).map((table) => describeTable(model, known, table, options)),
    orderDirections: ORDER_DIRECTIONS,
    limits: { defaultRows, maxRows, maxDepth },
  } as const;
  const { version, ...rest } = content;
  return { version, hash: hashText(JSON.stringify(content)), ...rest };
}

function describeTable(
  model: Model,
  known: ManifestVisibility,
  table: ModelTable,
  options: ManifestOptions,
): ManifestTable {
  const { one, many } = table.fields;
  return {
    name: table.name,
    typeName: table.typeName,
    fields: { one, many, changes: `${one}Changes`, connection: `${many}Connection` },
    key: namesOf(table.key),
    columns: table.columns
      .filter((column) => known.columns(table).has(column))
      .map((column) => describeColumn(column, options)),
    relations: table.relations
      .filter((relation) => known.table(model.table(relation.target)))
      .map((relation) => describeRelation(model, known, relation)),
  };
}

function describeColumn(column: ModelColumn, options: ManifestOptions): ManifestColumn {
  return {
    name: column.field,
    ...(column.field === column.name ? {} : { property: column.name }),
    type: describeType(column.type, options),
    notNull: column.notNull,
    id: options.isId(column),
    operators: operatorsFor(column.type),
    orderable: isOrderable(column.type),
    ...(column.facts.equality ? { equality: column.facts.equality } : {}),
  };
}

function describeType(type: ColumnType, options: ManifestOptions): ManifestType {
  switch (type.kind) {
    case 'int':
    case 'float':
      return { kind: type.kind, bits: type.bits } as ManifestType;
    case 'text':
    case 'inet':
      return { kind: type.kind, variant: type.variant } as ManifestType;
    case 'time':
    case 'timestamp':
      return { kind: type.kind, zone: type.zone };
    case 'json':
      return { kind: 'json', binary: type.binary };
    case 'enum': {
      const names = options.enumNames(type.values);
      const same = names.every((name, index) => name === type.values[index]);
      return { kind: 'enum', name: type.name, values: type.values, ...(same ? {} : { names }) };
    }
    case 'array':
      return { kind: 'array', of: describeType(type.of, options), dimensions: type.dimensions };
    case 'numeric':
    case 'bool':
    case 'uuid':
    case 'date':
    case 'interval':
    case 'bytea':
    case 'point':
    case 'other':
      return { kind: type.kind };
  }
}

function describeRelation(
  model: Model,
  known: ManifestVisibility,
  relation: ModelRelation,
): ManifestRelation {
  const { name, kind, target } = relation;
  const hidden: ManifestRelation = { rule: 'hidden', name, kind, target };
  const source = model.table(relation.source);
  if (!knows(known, source, relation.from) || !knows(known, model.table(target), relation.to)) return hidden;
  const rule = { rule: 'known', name, kind, target, ...namesOfEnds(relation) } as const;
  const { through, where } = relation;
  if (through) {
    const junction = model.table(through.table);
    if (!known.table(junction) || !knows(known, junction, [...through.from, ...through.to])) return hidden;
  }
  const junction = through && { table: through.table, ...namesOfEnds(through) };
  if (!where) return junction ? { ...rule, through: junction } : rule;
  const filter = whereAsJson(
    model,
    known,
    where.on === 'source' ? source : model.table(target),
    where.filter,
  );
  if (!filter) return hidden;
  return { ...rule, ...(junction ? { through: junction } : {}), where: { on: where.on, filter } };
}

function knows(known: ManifestVisibility, table: ModelTable, columns: readonly ModelColumn[]): boolean {
  return columns.every((column) => known.columns(table).has(column));
}

function namesOfEnds(ends: { readonly from: readonly ModelColumn[]; readonly to: readonly ModelColumn[] }) {
  return { from: namesOf(ends.from), to: namesOf(ends.to) };
}

function namesOf(columns: readonly ModelColumn[]): readonly string[] {
  return columns.map((column) => column.field);
}
