import type { ModelTable } from '../../shared/model/types.js';
import type { CachedField, EntityReference, LinkResult, ReducerCache, RowFields } from './cache.js';
import { isEqual } from './equal.js';
import { entityId } from './message-facts.js';
import type { NestedRelationIndex, NestedRelations } from './nested-relations.js';
import { isObject, keyOfRow } from './row.js';
import type { ClientSchema } from './schema.js';
import { TreeField, TreeRow } from './tree-place.js';
import { type ListShape, TreeShape } from './tree-shape.js';

/**
 * A tree of rows as GraphQL shows them, seen as a cache: a row may stand at many places, each with
 * columns and relations of its own. The value is never written to; `value()` gives the new one, in
 * which all that did not change is the same object.
 *
 * A list shows a row once: where the value has it twice, the second is left out as soon as the list
 * changes. A list with something in it that is no row of its table (no id, another `__typename`)
 * cannot be followed: it is left alone, and `unread` has it. So is a full window with a row twice,
 * because it shows fewer rows than its limit and yet has not reached the end.
 */
export class TreeCache implements ReducerCache {
  readonly #schema: ClientSchema;
  readonly #root: TreeField;
  readonly #places = new Map<string, TreeRow[]>();
  readonly #keys = new Map<string, Set<string>>();
  readonly #written = new Map<string, RowFields>();
  readonly #dropped = new Set<string>();
  readonly #carried: NestedRelationIndex;
  readonly #unread: TreeField[] = [];

  /**
   * `value`: a list of rows, a row, or `null`. `carried`: the relations of the messages that will
   * be applied.
   */
  constructor(
    schema: ClientSchema,
    table: ModelTable,
    value: unknown,
    shape: ListShape,
    carried: NestedRelationIndex,
  ) {
    const kind = Array.isArray(value) ? 'many' : 'one';
    this.#schema = schema;
    this.#root = new TreeField(null, null, kind, new TreeShape(table, shape), value);
    this.#carried = carried;
    this.#load(this.#root);
  }

  /**
   * False where the value itself is not a row or a list of rows: then there is nothing to apply
   * changes to.
   */
  get isReadable(): boolean {
    return this.#root.rows !== undefined;
  }

  /**
   * Fields that contain something that is no row of their table, or a window that is full of
   * repeated rows.
   */
  get unread(): readonly TreeField[] {
    return this.#unread;
  }

  read(entity: EntityReference): RowFields | undefined {
    const id = entityId(entity.table, entity.key);
    if (this.#dropped.has(id)) return undefined;
    const places = this.#places.get(id);
    const written = this.#written.get(id);
    if (!places && !written) return undefined;
    // Spread, not assigned: a property called __proto__ stays a property.
    let known: RowFields = {};
    for (const { source } of places ?? []) known = { ...known, ...source };
    return { ...known, ...written };
  }

  keys(table: string): Iterable<string> {
    return this.#keys.get(table) ?? [];
  }

  fields(parent: EntityReference | null): readonly CachedField[] {
    if (parent === null) return [this.#root];
    return this.#placesOf(parent.table, parent.key).flatMap((row) => [...row.fields.values()]);
  }

  holders(entity: EntityReference): readonly CachedField[] {
    return this.#placesOf(entity.table, entity.key).flatMap(({ holder }) => holder ?? []);
  }

  members(field: CachedField): readonly string[] | undefined {
    return (field as TreeField).keys;
  }

  holds(field: CachedField, key: string): boolean {
    return this.#placesOf(field.table, key).some(({ holder }) => holder === field);
  }

  write(entity: EntityReference, fields: RowFields): void {
    const id = entityId(entity.table, entity.key);
    this.#know(entity.table, entity.key);
    this.#written.set(id, { ...this.#written.get(id), ...fields });
    for (const row of this.#placesOf(entity.table, entity.key)) {
      for (const [name, value] of Object.entries(fields)) {
        if (name === 'id' || name === '__typename' || !row.source || !Object.hasOwn(row.source, name))
          continue;
        if (!isEqual(row.source[name], value)) row.change(name, value);
      }
    }
  }

  fill(field: CachedField): void {
    const place = field as TreeField;
    if (!place.rows) place.fill([]);
  }

  link(field: CachedField, key: string, at: number): LinkResult {
    const place = field as TreeField;
    const back = place.takeBack(key);
    if (back) {
      place.put(back, at);
      return { empty: [], complete: true };
    }
    const { shape } = place;
    const carried = shape.isOpen ? this.#carriedTo(place, key) : null;
    const row = new TreeRow(key, null, place, carried);
    place.put(row, at);
    this.#register(shape.table, row);
    for (const name of carried?.keys() ?? shape.loaded) {
      const relation = shape.table.findRelation(name)!;
      const inner = shape.inner(name, this.#schema.model.table(relation.target));
      row.add(name, new TreeField(row, relation, relation.kind, inner, undefined));
    }
    const columns = this.#columnsOf(shape.table, key);
    const complete = [...shape.columns].every((name) => Object.hasOwn(columns, name));
    return { empty: [...row.fields.values()], complete };
  }

  unlink(field: CachedField, key: string): void {
    (field as TreeField).letGo(key);
  }

  drop(entity: EntityReference): void {
    const id = entityId(entity.table, entity.key);
    this.#dropped.add(id);
  }

  isReachable(field: CachedField): boolean {
    let place: TreeField | null = field as TreeField;
    while (place?.owner) place = place.owner.holder;
    return place !== null;
  }

  value(): unknown {
    return this.#fieldValue(this.#root);
  }

  #load(field: TreeField): void {
    const { source, kind, shape } = field;
    const items: readonly unknown[] =
      kind === 'one' ? (source === null ? [] : [source]) : Array.isArray(source) ? source : [undefined];
    const rows = new Map<string, TreeRow>();
    for (const item of items) {
      const key = this.#keyOf(shape.table, item);
      if (key === undefined) {
        this.#unread.push(field);
        return;
      }
      if (!rows.has(key)) rows.set(key, new TreeRow(key, item as RowFields, field));
    }
    if (rows.size < items.length && this.#isFullWindow(shape.args, items.length)) {
      this.#unread.push(field);
      return;
    }
    field.fill([...rows.values()]);
    field.sourceRows = field.rows!.map((row) => row.source!);
    for (const row of rows.values()) this.#loadRow(shape, row);
  }

  #isFullWindow(
    { limit = this.#schema.manifest.limits.defaultRows, offset }: ListShape,
    size: number,
  ): boolean {
    return (offset ?? 0) > 0 || (limit !== null && size >= limit);
  }

  /**
   * The relations sent below a row that comes to a place: as the row above carries them, or as its
   * own change does.
   */
  #carriedTo(place: TreeField, key: string): NestedRelations {
    const above = place.owner?.carried;
    const carried = above ? above.get(place.relation!.name)?.get(key) : this.#carried.of(place.table, key);
    return carried ?? new Map();
  }

  #loadRow(shape: TreeShape, row: TreeRow): void {
    this.#register(shape.table, row);
    shape.hasRows = true;
    const source = row.source!;
    for (const name of Object.keys(source)) {
      const relation = shape.table.findRelation(name);
      if (!relation) {
        if (name !== '__proto__') shape.columns.add(name);
        continue;
      }
      if (source[name] === undefined) continue;
      const inner = shape.inner(name, this.#schema.model.table(relation.target));
      const field = new TreeField(row, relation, relation.kind, inner, source[name]);
      this.#load(field);
      if (!field.rows) continue;
      shape.loaded.add(name);
      row.add(name, field);
    }
  }

  #keyOf(table: ModelTable, item: unknown): string | undefined {
    if (!isObject(item)) return undefined;
    if (item.__typename !== undefined && item.__typename !== table.typeName) return undefined;
    return keyOfRow(this.#schema, table, item);
  }

  #register(table: ModelTable, row: TreeRow): void {
    const id = entityId(table.name, row.key);
    this.#know(table.name, row.key);
    const places = this.#places.get(id);
    if (places) places.push(row);
    else this.#places.set(id, [row]);
  }

  #know(table: string, key: string): void {
    const keys = this.#keys.get(table);
    if (keys) keys.add(key);
    else this.#keys.set(table, new Set([key]));
  }

  #placesOf(table: string, key: string): readonly TreeRow[] {
    return this.#places.get(entityId(table, key)) ?? [];
  }

  #fieldValue(field: TreeField): unknown {
    const rows = field.rows!.map((row) => this.#rowValue(field.shape, row));
    if (field.kind === 'one') return rows[0] ?? null;
    const same = this.#alikeOf(field).find((each) => isSameList(each?.sourceRows, rows));
    return same ? same.source : rows;
  }

  #rowValue(shape: TreeShape, row: TreeRow): unknown {
    const { source } = row;
    if (!source) return this.#newRow(shape, row);
    if (row.changed.size === 0 && row.fields.size === 0) return source;
    const changed = new Map(row.changed);
    for (const [name, field] of row.fields) {
      const value = this.#fieldValue(field);
      if (value !== source[name]) changed.set(name, value);
    }
    return changed.size === 0 ? source : { ...source, ...Object.fromEntries(changed) };
  }

  /**
   * A row that came to its place shows what the others there show; where there are none, all that
   * is known.
   */
  #newRow(shape: TreeShape, row: TreeRow): unknown {
    const columns = this.#columnsOf(shape.table, row.key);
    const known = this.read({ table: shape.table.name, key: row.key }) ?? {};
    const names = shape.columns.size > 0 ? [...shape.columns] : Object.keys(known);
    const built: Record<string, unknown> = {};
    for (const name of names) if (Object.hasOwn(columns, name)) built[name] = columns[name];
    for (const [name, field] of row.fields) if (field.rows) built[name] = this.#fieldValue(field);
    const places = this.#placesOf(shape.table.name, row.key);
    return places.find(({ source }) => source && isEqual(source, built))?.source ?? built;
  }

  /** The known columns of a row. Its id and its type are always known. */
  #columnsOf(table: ModelTable, key: string): RowFields {
    const known = this.read({ table: table.name, key });
    const columns: Record<string, unknown> = { id: key, __typename: table.typeName, ...known };
    for (const relation of table.relations) delete columns[relation.name];
    return columns;
  }

  /**
   * The fields whose list a field may turn out to be equal to: itself, or those that the same
   * relation of the same row was.
   */
  #alikeOf(field: TreeField): readonly (TreeField | undefined)[] {
    if (field.source !== undefined || !field.parent) return [field];
    const places = this.#placesOf(field.parent.table, field.parent.key);
    return places.map((row) => row.fields.get(field.relation!.name));
  }
}

function isSameList(source: readonly unknown[] | undefined, rows: readonly unknown[]): boolean {
  return source?.length === rows.length && rows.every((row, at) => row === source[at]);
}
