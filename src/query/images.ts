import type { Queryable } from '../database/types.js';
import type { Cells, Filter } from '../filter/types.js';
import type { Snapshot } from '../log/snapshot.js';
import type { Model, ModelTable } from '../model/types.js';
import { Params } from '../sql/statement.js';
import { decodeRow, type JsonRow } from './decode.js';
import { rowsToSql } from './rows.js';
import { runExpressions } from './select.js';
import { imagesSource } from './source.js';
import type { RelatedPlan, RowNode } from './types.js';

/** A question to Postgres: on which of these images is the filter true? */
export interface ImageGroup {
  readonly table: ModelTable;
  readonly filter: Filter;
  readonly images: readonly Cells[];
  /** Relations to load for the images that match; their rows are those of now, the image's cells those of the image. */
  readonly related?: readonly RelatedPlan[];
}

export interface ImageMatch {
  /** The image's place in the group, from 0. */
  readonly ordinal: number;
  /** The image as a row, with the group's relations. */
  readonly node: RowNode;
}

/**
 * Evaluates every group's filter on its images in one statement (and one snapshot). Results are in the order of
 * `groups`; matches are in the order of their images. Groups without images cost nothing.
 */
export async function filterOnImages(
  db: Queryable,
  model: Model,
  groups: readonly ImageGroup[],
): Promise<{ readonly matches: readonly (readonly ImageMatch[])[]; readonly snapshot: Snapshot | null }> {
  const params = new Params();
  const asked = groups.filter((group) => group.images.length > 0);
  if (asked.length === 0) return { matches: groups.map(() => []), snapshot: null };
  const expressions = asked.map((group) => imagesToSql(model, group, params));
  const { values, snapshot } = await runExpressions(db, expressions, params);
  const found = new Map(asked.map((group, index) => [group, decodeMatches(group, values[index]!)]));
  return { matches: groups.map((group) => found.get(group) ?? []), snapshot };
}

function imagesToSql(
  model: Model,
  { table, filter, images, related = [] }: ImageGroup,
  params: Params,
): string {
  const plan = { table, filter, orderBy: [], limit: null, offset: 0, related };
  return rowsToSql(model, plan, params, imagesSource(table, images, params));
}

function decodeMatches({ table, related = [] }: ImageGroup, raw: string): readonly ImageMatch[] {
  const rows = JSON.parse(raw) as readonly JsonRow[];
  return rows.map((row) => ({ ordinal: row[2]! - 1, node: decodeRow(table, related, row) }));
}
