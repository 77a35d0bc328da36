import type { Queryable } from '../database/types.js';
import type { Cells } from '../filter/types.js';
import type { Model, ModelTable } from '../model/types.js';

/** How to read the images that were written with one list of columns. */
export type Shape =
  | { readonly kind: 'known'; readonly table: ModelTable; read(image: readonly (string | null)[]): Cells }
  /** No table of the model: nobody can ask for its changes. */
  | { readonly kind: 'foreign' }
  /** The model has other columns, or another key, than the watcher that wrote the image. */
  | { readonly kind: 'unfit'; readonly table: ModelTable; readonly reason: string };

export interface ShapeRow {
  readonly sqlSchema: string;
  readonly sqlName: string;
  readonly columns: readonly string[];
  readonly key: readonly string[];
}

/** Maps images of one column list to the model's; an image is never read with other columns than its own. */
export function shapeOf(model: Model, row: ShapeRow): Shape {
  const table = model.tables.find((each) => each.sqlSchema === row.sqlSchema && each.sqlName === row.sqlName);
  if (!table) return { kind: 'foreign' };
  const places = table.columns.map((column) => row.columns.indexOf(column.sqlName));
  const missing = table.columns.filter((_, i) => places[i] === -1).map((column) => column.sqlName);
  if (missing.length > 0) {
    return {
      kind: 'unfit',
      table,
      reason: `the watcher of ${row.sqlName} did not log ${missing.join(', ')}`,
    };
  }
  const key = table.key.map((column) => column.sqlName);
  if (JSON.stringify(key) !== JSON.stringify(row.key)) {
    return { kind: 'unfit', table, reason: `the watcher of ${row.sqlName} had another key` };
  }
  const isSame = places.every((place, i) => place === i) && places.length === row.columns.length;
  const read = isSame
    ? (image: Cells) => image
    : (image: Cells) => places.map((place) => image[place] ?? null);
  return { kind: 'known', table, read };
}

/** Remembers shapes; `rivulet.shape` is never changed, so nothing here gets old. */
export class Shapes {
  readonly #model: Model;
  readonly #known = new Map<string, Shape>();

  constructor(model: Model) {
    this.#model = model;
  }

  get(id: string): Shape {
    const shape = this.#known.get(id);
    if (!shape) throw new TypeError(`shape ${id} was not loaded`);
    return shape;
  }

  /** Makes `get` good for all of `ids`. */
  async load(db: Queryable, ids: Iterable<string>): Promise<void> {
    const unknown = new Set([...ids].filter((id) => !this.#known.has(id)));
    if (unknown.size === 0) return;
    const rows = await db.query({
      text: `select id::text, sql_schema, sql_name, array_to_json(columns)::text, array_to_json(key)::text
             from rivulet.shape where id = any ($1::text::bigint[])`,
      params: [`{${[...unknown].join(',')}}`],
    });
    for (const [id, sqlSchema, sqlName, columns, key] of rows) {
      const row = {
        sqlSchema: sqlSchema!,
        sqlName: sqlName!,
        columns: JSON.parse(columns!) as string[],
        key: JSON.parse(key!) as string[],
      };
      this.#known.set(id!, shapeOf(this.#model, row));
      unknown.delete(id!);
    }
    for (const id of unknown) this.#known.set(id, { kind: 'foreign' });
  }
}
