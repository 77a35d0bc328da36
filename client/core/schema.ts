import { RivuletError } from '../../shared/errors.js';
import { relationFilter, relationSourceFilter } from '../../shared/filter/parse.js';
import { modelOf } from '../../shared/manifest/read.js';
import type { Manifest, ManifestType } from '../../shared/manifest/types.js';
import type { Model, ModelColumn, ModelRelation, ModelTable } from '../../shared/model/types.js';
import { encodeValue } from '../../shared/value/encode.js';
import { equalityOf } from '../../shared/value/equality.js';
import { joinTexts } from './joins.js';
import type { CellReader } from './row.js';
import { conditionOf, type RowCondition } from './row-condition.js';

/** A manifest made ready for use: read it once and keep it. */
export interface ClientSchema {
  readonly manifest: Manifest;
  readonly model: Model;
  byTypeName(typeName: string): ModelTable | undefined;
  /** By the root field of its change stream: `taskChanges`. */
  byChangesField(name: string): ModelTable | undefined;
  /** Relations that lead to the table. */
  into(table: ModelTable): readonly ModelRelation[];
  /** Relations that pass through the table as their junction. */
  through(table: ModelTable): readonly ModelRelation[];
  conditions(relation: ModelRelation): RelationConditions;
  /**
   * The values of columns as one text, equal where PostgreSQL finds those of joined columns equal;
   * `null` where one is NULL, so that nothing equals it; `undefined` where one is not known, or
   * only PostgreSQL can compare.
   */
  joinOf(view: CellReader, columns: readonly ModelColumn[]): string | null | undefined;
  /** The column `id` of a table whose key it is not, or not alone; GraphQL calls it otherwise. */
  idColumn(table: ModelTable): ModelColumn | undefined;
  /** True if keys of these columns are of one row exactly when their texts are equal. */
  hasTextKey(columns: readonly ModelColumn[]): boolean;
  /** A value as GraphQL shows it, as Postgres's text; throws `VALUE_INVALID`. */
  encode(column: ModelColumn, value: unknown): string;
  /** The same, and `undefined` where it is not such a value. */
  cell(column: ModelColumn, value: unknown): string | null | undefined;
}

/** A relation's own `where`. */
export interface RelationConditions {
  readonly target: RowCondition;
  readonly source: RowCondition;
}

/** Throws `MANIFEST_INVALID` on a manifest of another version. */
export function readManifest(manifest: Manifest): ClientSchema {
  const model = modelOf(manifest);
  const byTypeName = new Map(model.tables.map((table) => [table.typeName, table]));
  const byChangesField = new Map(
    manifest.tables.map(({ name, fields }) => [fields.changes, model.table(name)]),
  );
  const labels = labelsOf(manifest, model);
  const relations = model.tables.flatMap((table) => table.relations);
  const into = groupBy(relations, (relation) => relation.target);
  const through = groupBy(relations, (relation) => relation.through?.table);
  const conditions = new Map<ModelRelation, RelationConditions>();
  const joins = joinTexts(model);
  const idColumns = new Map<ModelTable, ModelColumn>();
  for (const { name, columns } of manifest.tables) {
    const column = columns.find(({ property }) => property === 'id');
    if (column) idColumns.set(model.table(name), model.table(name).column(column.name));
  }

  const encode = (column: ModelColumn, value: unknown): string =>
    encodeValue(column.type, labelled(labels.get(column), value));

  return {
    manifest,
    model,
    byTypeName: (name) => byTypeName.get(name),
    byChangesField: (name) => byChangesField.get(name),
    into: (table) => into.get(table.name) ?? [],
    through: (table) => through.get(table.name) ?? [],
    conditions: (relation) => {
      const known = conditions.get(relation);
      if (known) return known;
      const read = {
        target: conditionOf(model.table(relation.target), relationFilter(model, relation)),
        source: conditionOf(model.table(relation.source), relationSourceFilter(model, relation)),
      };
      conditions.set(relation, read);
      return read;
    },
    joinOf: (view, columns) => {
      const cells = columns.map(view);
      if (cells.includes(null)) return null;
      if (cells.length === 0) return undefined;
      const texts: string[] = [];
      for (const [at, column] of columns.entries()) {
        const [cell, form] = [cells[at], joins.get(column)];
        if (typeof cell !== 'string' || !form) return undefined;
        texts.push(form(cell));
      }
      return JSON.stringify(texts);
    },
    idColumn: (table) => idColumns.get(table),
    hasTextKey: (columns) => columns.every((column) => equalityOf(column) === 'text'),
    encode,
    cell: (column, value) => {
      if (value === undefined) return undefined;
      // Null is NULL or JSON's null, and the one alone where the column cannot be NULL.
      if (value === null && column.type.kind === 'json') return column.notNull ? 'null' : undefined;
      if (value === null) return null;
      try {
        return encode(column, value);
      } catch (error) {
        if (error instanceof RivuletError) return undefined;
        throw error;
      }
    },
  };
}

export function isClientSchema(manifest: Manifest | ClientSchema): manifest is ClientSchema {
  return 'model' in manifest;
}

type Labels = ReadonlyMap<string, string>;

/**
 * By column: GraphQL's name of an enum label → the label, where they differ. An ID is the label
 * itself.
 */
function labelsOf(manifest: Manifest, model: Model): ReadonlyMap<ModelColumn, Labels> {
  const result = new Map<ModelColumn, Labels>();
  for (const table of manifest.tables) {
    for (const column of table.columns) {
      const type: ManifestType = column.type.kind === 'array' ? column.type.of : column.type;
      if (type.kind !== 'enum' || !type.names || column.id) continue;
      const { values, names } = type;
      result.set(
        model.table(table.name).column(column.name),
        new Map(names.map((name, at) => [name, values[at]!])),
      );
    }
  }
  return result;
}

function labelled(labels: Labels | undefined, value: unknown): unknown {
  if (!labels) return value;
  if (Array.isArray(value)) return value.map((item) => labelled(labels, item));
  return typeof value === 'string' ? (labels.get(value) ?? value) : value;
}

function groupBy(
  relations: readonly ModelRelation[],
  nameOf: (relation: ModelRelation) => string | undefined,
): ReadonlyMap<string, readonly ModelRelation[]> {
  const groups = new Map<string, ModelRelation[]>();
  for (const relation of relations) {
    const name = nameOf(relation);
    if (name !== undefined) groups.set(name, [...(groups.get(name) ?? []), relation]);
  }
  return groups;
}
