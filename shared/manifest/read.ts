import { RivuletError } from '../errors.js';
import type { ColumnType, Model, ModelColumn, ModelRelation, ModelTable } from '../model/types.js';
import {
  MANIFEST_VERSION,
  type Manifest,
  type ManifestColumn,
  type ManifestRelation,
  type ManifestTable,
  type ManifestType,
} from './types.js';

/**
 * A manifest as a `Model`, for code that reads models (filters, orders, keys) to run on a client
 * just as it does on the server.
 *
 * SQL names, cast types and defaults, which a client does not know, are empty. A relation whose
 * rule is hidden has no columns. Throws `MANIFEST_INVALID` on another version, or where the
 * manifest contradicts itself.
 */
export function modelOf(manifest: Manifest): Model {
  const version: unknown = manifest.version;
  if (version !== MANIFEST_VERSION) {
    throw new RivuletError(
      'MANIFEST_INVALID',
      `The manifest has version ${String(version)}; this client reads version ${MANIFEST_VERSION}.`,
    );
  }
  const tables = new Map(manifest.tables.map((table) => [table.name, readTable(table)]));
  const find = (name: string): ModelTable => {
    const found = tables.get(name);
    if (!found) throw new RivuletError('MANIFEST_INVALID', `The manifest names no table ${name}.`);
    return found;
  };
  for (const described of manifest.tables) {
    const table = find(described.name);
    (table.relations as ModelRelation[]).push(
      ...described.relations.map((relation) => readRelation(find, table, relation)),
    );
  }
  return { tables: [...tables.values()], table: find, find: (name) => tables.get(name) };
}

function readTable(described: ManifestTable): ModelTable {
  const key = new Set(described.key);
  const columns = described.columns.map((column, index) => readColumn(column, index, key.has(column.name)));
  const byName = new Map(columns.map((column) => [column.name, column]));
  const column = (name: string): ModelColumn => {
    const found = byName.get(name);
    if (!found) {
      throw new RivuletError('MANIFEST_INVALID', `The manifest has no column ${described.name}.${name}.`);
    }
    return found;
  };
  const relations: ModelRelation[] = [];
  return {
    name: described.name,
    typeName: described.typeName,
    fields: { one: described.fields.one, many: described.fields.many },
    sqlSchema: '',
    sqlName: described.name,
    columns,
    key: described.key.map(column),
    relations,
    parents: [],
    column,
    findColumn: (name) => byName.get(name),
    findField: (name) => byName.get(name),
    findRelation: (name) => relations.find((relation) => relation.name === name),
  };
}

function readColumn(described: ManifestColumn, index: number, isKey: boolean): ModelColumn {
  return {
    name: described.name,
    field: described.name,
    sqlName: described.name,
    index,
    type: readType(described.type),
    castType: '',
    notNull: described.notNull,
    hasDefault: false,
    generated: 'no',
    isFedBySequence: false,
    isKey,
    isReference: described.id && !isKey,
    facts: described.equality ? { equality: described.equality } : {},
  };
}

function readType(type: ManifestType): ColumnType {
  switch (type.kind) {
    case 'enum':
      return { kind: 'enum', name: type.name, sqlSchema: '', sqlName: type.name, values: type.values };
    case 'array':
      return { kind: 'array', of: readType(type.of), dimensions: type.dimensions };
    case 'other':
      return { kind: 'other', sqlType: 'other' };
    default:
      return type as ColumnType;
  }
}

function readRelation(
  find: (name: string) => ModelTable,
  source: ModelTable,
  described: ManifestRelation,
): ModelRelation {
  const { name, kind } = described;
  const target = find(described.target);
  const ends = { name, kind, source: source.name, target: target.name };
  if (described.rule === 'hidden') return { ...ends, from: [], to: [] };
  const { through, where } = described;
  const junction = through && find(through.table);
  return {
    ...ends,
    from: described.from.map((column) => source.column(column)),
    to: described.to.map((column) => target.column(column)),
    ...(through && junction
      ? {
          through: {
            table: junction.name,
            from: through.from.map((column) => junction.column(column)),
            to: through.to.map((column) => junction.column(column)),
          },
        }
      : {}),
    ...(where ? { where } : {}),
  };
}
