import type { Filter, RowCells } from '../../../shared/filter/types.js';
import type { Model } from '../../../shared/model/types.js';
import { keyOf } from '../../../shared/value/key.js';
import { filterToSql } from '../../filter/sql.js';
import { imagesSource, textArray } from '../../query/source.js';
import type { RowNode } from '../../query/types.js';
import { fromTable, StatementParams } from '../../sql/statement.js';
import { plainNode } from '../messages/describe-change.js';
import type { BatchedExpression, BatchedQuery, PlainImages } from './batch-evaluator.js';

/**
 * The questions as expressions, those about the same images whose filters differ in nothing but
 * values as one: a thousand users, each with a policy of their own making, are a thousand rows of
 * values, planned and run together, and not a thousand sub-selects.
 */
export function inBatches(
  questions: readonly BatchedQuery[],
  shapes: FilterShapes,
  params: StatementParams,
): BatchedExpression[] {
  const [only] = questions;
  if (questions.length === 1) return [{ sql: only!.sql(params), read: only!.read }];
  const expressions: BatchedExpression[] = [];
  const batches = new Map<string, Batched[]>();
  const numbers = new Map<RowCells, number>();
  for (const question of questions) {
    const { sql, read, plainImages } = question;
    if (!plainImages) {
      expressions.push({ sql: sql(params), read });
      continue;
    }
    const { table, filter, images } = plainImages.question;
    for (const image of images) if (!numbers.has(image)) numbers.set(image, numbers.size);
    const about = images.map((image) => numbers.get(image));
    const name = `${table.name} ${about.join()} ${shapes.of(filter).text}`;
    const batch = batches.get(name);
    const batched = { sql, read, plainImages };
    if (batch) batch.push(batched);
    else batches.set(name, [batched]);
  }
  for (const batch of batches.values()) {
    const [only] = batch;
    expressions.push(
      batch.length === 1 ? { sql: only!.sql(params), read: only!.read } : together(batch, shapes, params),
    );
  }
  return expressions;
}

interface Batched extends BatchedQuery {
  readonly plainImages: PlainImages;
}

function together(
  batch: readonly Batched[],
  shapes: FilterShapes,
  params: StatementParams,
): BatchedExpression {
  const { table, filter, images } = batch[0]!.plainImages.question;
  const clients = new Map<string, { readonly values: BatchShape['values']; readonly of: PlainImages[] }>();
  for (const { plainImages } of batch) {
    const { values } = shapes.of(plainImages.question.filter);
    const name = JSON.stringify(values);
    const same = clients.get(name);
    if (same) same.of.push(plainImages);
    else clients.set(name, { values, of: [plainImages] });
  }
  const rows = [...clients.values()];
  const source = imagesSource(table, images, params);
  const where = filterToSql(shapes.model, filter, 't0', new ShapeParams(params.from));
  const columns = rows[0]!.values.map((_, at) =>
    params.cast(textArray(rows.map(({ values }) => values[at] ?? null)), 'text[]'),
  );
  const names = [...columns.map((_, at) => `v${at}`), 'n'];
  const from =
    columns.length === 0
      ? `(select 1 as n) as s`
      : `unnest(${columns.join(', ')}) with ordinality as s(${names.join(', ')})`;
  return {
    sql: `(select coalesce(json_agg(json_build_array(s.n, ${source.ordinal!('t0')})), '[]'::json) from ${from}, ${source.from('t0')} where ${where})`,
    read: (json) => {
      const inside = rows.map((): (RowNode | null)[] => images.map(() => null));
      for (const [row, ordinal] of JSON.parse(json) as [number, number][]) {
        const cells = images[ordinal - 1]!;
        inside[row - 1]![ordinal - 1] = plainNode(table, keyOf(table, cells), cells);
      }
      for (const [at, { of }] of rows.entries()) for (const { answer } of of) answer(inside[at]!);
    },
  };
}

interface BatchShape {
  readonly text: string;
  readonly values: readonly (string | null)[];
}

/** Filters' SQL with the values taken out: those with equal texts differ in values alone. */
export class FilterShapes {
  readonly model: Model;
  readonly #known = new WeakMap<Filter, BatchShape>();

  constructor(model: Model) {
    this.model = model;
  }

  of(filter: Filter): BatchShape {
    let shape = this.#known.get(filter);
    if (!shape) {
      const params = new ShapeParams(fromTable);
      shape = { text: filterToSql(this.model, filter, 't0', params), values: params.values };
      this.#known.set(filter, shape);
    }
    return shape;
  }
}

/** Values are columns of `s`, in the order in which they come. */
class ShapeParams extends StatementParams {
  override text(value: string | null): string {
    this.values.push(value);
    return `s.v${this.values.length - 1}`;
  }
}
