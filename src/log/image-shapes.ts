import type { RowCells } from '../../shared/filter/types.js';
import type { Model, ModelTable } from '../../shared/model/types.js';
import type { QueryRunner } from '../database/types.js';
import { isReadableAs, typeName } from '../model/type-names.js';
import type { LoggedRow } from './read.js';

type Image = readonly (string | null)[];

/** Reads the images that were written with one list of columns. */
export type ImageReader =
  | {
      readonly kind: 'known';
      readonly table: ModelTable;
      /** Places of the columns of which every change was logged; `null`: all. */
      readonly logged: readonly number[] | null;
      read(image: Image): RowCells;
    }
  /** No table of the model: nobody can ask for its changes. */
  | { readonly kind: 'foreign' }
  /** The model has other columns, other types or another key than what wrote the image. */
  | { readonly kind: 'unfit'; readonly table: ModelTable; readonly reason: string }
  /** Nobody knows any more what these images have in them, nor of which table they are. */
  | { readonly kind: 'lost' };

export interface ShapeRow {
  readonly sqlSchema: string;
  readonly sqlName: string;
  readonly columns: readonly string[];
  /** `null` where it is not known; as a whole where an earlier version wrote the shape. */
  readonly types: readonly (string | null)[] | null;
  /** `null`: whatever the model's is. */
  readonly key: readonly string[] | null;
  /** Updates of which were logged; `null`, or left out: of all. */
  readonly onlyColumns?: readonly string[] | null;
}

/**
 * Maps images of one column list to the model's; an image is never read with other columns, or
 * types, than its own.
 */
export function shapeOf(model: Model, row: ShapeRow): ImageReader {
  const table = model.tables.find((each) => each.sqlSchema === row.sqlSchema && each.sqlName === row.sqlName);
  if (!table) return { kind: 'foreign' };
  const reason = misfit(table, row);
  if (reason !== null) return { kind: 'unfit', table, reason };
  const places = table.columns.map((column) => row.columns.indexOf(column.sqlName));
  const isSame = places.every((place, i) => place === i) && places.length === row.columns.length;
  const read = isSame
    ? (image: Image) => image
    : (image: Image) => places.map((place) => image[place] ?? null);
  const only = row.onlyColumns ?? null;
  const logged =
    only && table.columns.flatMap(({ sqlName }, place) => (only.includes(sqlName) ? [place] : []));
  return { kind: 'known', table, logged, read };
}

/** Why images of this shape cannot be read as the table's rows; `null`: they can. */
export function misfit(table: ModelTable, { sqlName, columns, types, key }: ShapeRow): string | null {
  const missing = table.columns.filter(({ sqlName: name }) => !columns.includes(name));
  if (missing.length > 0) {
    return `what was logged of ${sqlName} has no ${missing.map((column) => column.sqlName).join(', ')}`;
  }
  for (const column of table.columns) {
    const actual = types?.[columns.indexOf(column.sqlName)] ?? null;
    if (isReadableAs(typeName(column), actual)) continue;
    return `${sqlName}.${column.sqlName} was logged as ${actual}, and the schema says ${typeName(column)}`;
  }
  const modelKey = table.key.map((column) => column.sqlName);
  if (key !== null && JSON.stringify(modelKey) !== JSON.stringify(key)) {
    return `what was logged of ${sqlName} had another key`;
  }
  return null;
}

/** Images of this shape say themselves what is in them; see `readDescribed`. */
const DESCRIBED_SHAPE = '0';

/** Remembers shapes; `rivulet.shape` is never changed, so nothing here gets old. */
export class ImageShapes {
  readonly #model: Model;
  readonly #known = new Map<string, ImageReader>();
  /** By the description in the images. */
  readonly #described = new Map<string, ImageReader>();

  constructor(model: Model) {
    this.#model = model;
  }

  /**
   * The reader of an image that was logged with shape `id`, and the image without its own
   * description.
   */
  of(id: string, image: Image): { readonly shape: ImageReader; readonly image: Image } {
    if (id !== DESCRIBED_SHAPE) return { shape: this.#get(id), image };
    const { row, values } = readDescribed(image);
    const text = JSON.stringify(row);
    let shape = this.#described.get(text);
    if (!shape) {
      shape = shapeOf(this.#model, row);
      this.#described.set(text, shape);
    }
    return { shape, image: values };
  }

  /** The table of a change. `null`: it is not in the model. `lost`: it is not known. */
  tableOf({ shape: id, old, new: next }: LoggedRow): ModelTable | 'lost' | null {
    if (id === DESCRIBED_SHAPE) return this.#find((next ?? old)![0]!, (next ?? old)![1]!);
    const shape = this.#get(id);
    if (shape.kind === 'lost') return 'lost';
    return shape.kind === 'foreign' ? null : shape.table;
  }

  #find(sqlSchema: string, sqlName: string): ModelTable | null {
    return (
      this.#model.tables.find((each) => each.sqlSchema === sqlSchema && each.sqlName === sqlName) ?? null
    );
  }

  /** One that was lost may have been put back. */
  #isKnown(id: string): boolean {
    return (this.#known.get(id)?.kind ?? 'lost') !== 'lost';
  }

  #get(id: string): ImageReader {
    const shape = this.#known.get(id);
    if (!shape) throw new TypeError(`shape ${id} was not loaded`);
    return shape;
  }

  /** Makes `of` and `tableOf` good for all of `ids`. */
  async load(db: QueryRunner, ids: Iterable<string>): Promise<void> {
    const unknown = new Set([...ids].filter((id) => id !== DESCRIBED_SHAPE && !this.#isKnown(id)));
    if (unknown.size === 0) return;
    const rows = await db.query({
      text: `select id::text, sql_schema, sql_name, array_to_json(columns)::text, array_to_json(types)::text, array_to_json(key)::text,
               array_to_json(only_columns)::text
             from rivulet.shape where id = any ($1::text::bigint[])`,
      params: [`{${[...unknown].join(',')}}`],
    });
    for (const [id, sqlSchema, sqlName, columns, types, key, only] of rows) {
      const row = {
        sqlSchema: sqlSchema!,
        sqlName: sqlName!,
        columns: JSON.parse(columns!) as string[],
        types: types === null ? null : (JSON.parse(types!) as (string | null)[]),
        key: JSON.parse(key!) as string[],
        onlyColumns: only ? (JSON.parse(only) as string[]) : null,
      };
      this.#known.set(id!, shapeOf(this.#model, row));
      unknown.delete(id!);
    }
    for (const id of unknown) this.#known.set(id, { kind: 'lost' });
  }
}

/** An image that describes itself: schema and table, then name, type and value of each column. */
function readDescribed(image: Image): { readonly row: ShapeRow; readonly values: Image } {
  const [sqlSchema, sqlName, ...rest] = image;
  const columns: string[] = [];
  const types: (string | null)[] = [];
  const values: (string | null)[] = [];
  for (let at = 0; at < rest.length; at += 3) {
    columns.push(rest[at]!);
    types.push(rest[at + 1]!);
    values.push(rest[at + 2]!);
  }
  return { row: { sqlSchema: sqlSchema!, sqlName: sqlName!, columns, types, key: null }, values };
}
