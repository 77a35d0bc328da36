import { compareRows, type ListRule } from './list-rule.js';
import type { CellReader } from './row.js';

/** The planned members of one list, before its order and window are applied. */
export interface ListPlan {
  readonly enter: ReadonlySet<string>;
  readonly leave: ReadonlySet<string>;
  /** Members whose place may be another now. */
  readonly moved: ReadonlySet<string>;
  /**
   * Rows of which it is not known whether they belong here: of interest only where they would be
   * inside of the window.
   */
  readonly perhaps: ReadonlySet<string>;
  /**
   * Rows that belong here, were outside of the window and have no new place: they come in only
   * where there is room.
   */
  readonly outside: ReadonlySet<string>;
  /** A member may stand in the wrong place. */
  readonly unsure: boolean;
}

export interface SettledList {
  readonly members: readonly string[];
  readonly need: 'refetch' | 'order' | 'refill' | null;
}

/** The rows of a list, as they are and as they were before the message. */
export interface ListRows {
  view(key: string): CellReader;
  viewBefore(key: string): CellReader;
}

/**
 * The members of a list after a plan: in order, within the window. A row whose place is not known
 * stays where it is, or comes after those that may stand before it; in a full window, where its
 * place decides whether it is in at all, it stays out.
 *
 * A list that is shorter than its limit is known to its end. A full one is known up to the row that
 * was its last; what sorts after that, and fits because others left, is taken in with the need to
 * ask what else is there.
 */
export function settleList(
  rule: ListRule,
  before: readonly string[],
  plan: ListPlan,
  rows: ListRows,
): SettledList {
  // More rows than the limit allows: the limit is not the one that the list was read with.
  const limit = rule.limit !== null && before.length > rule.limit ? null : rule.limit;
  const wasFull = limit !== null && before.length === limit;
  const headKnown = rule.offset === 0;
  let refetch = plan.unsure && (wasFull || !headKnown);
  let order = plan.unsure;

  const held = new Set(before);
  const moves = [...plan.moved].filter((key) => held.has(key) && !plan.leave.has(key));
  const moving = new Set(moves);
  const members = before.filter((key) => !plan.leave.has(key) && !moving.has(key));
  const lastBefore = before.at(-1);
  const entering = [...plan.enter].filter((key) => !held.has(key) && !plan.leave.has(key));
  const stuck: string[] = [];

  // Members first: what enters finds its place among them.
  for (const key of [...moves.sort(), ...entering.sort()]) {
    const place = placeIn(members, key);
    const isMove = moving.has(key);
    if (!place.known) stuck.push(key);
    else {
      // A row that sorts before the first may belong before the window.
      const mayBeBefore = !headKnown && place.at === 0 && !isMoveDown(key);
      if (mayBeBefore) refetch = true;
      if (isMove || !mayBeBefore) members.splice(place.at, 0, key);
    }
  }
  for (const key of stuck.filter((each) => moving.has(each))) {
    members.splice(placeAsBefore(key), 0, key);
    order = true;
    if (wasFull || !headKnown) refetch = true;
  }
  // Each that finds a place may be what tells the place of another.
  let open = stuck.filter((each) => !moving.has(each));
  for (let found = true; found; ) {
    const left = open.filter((key) => !takesPlace(key));
    found = left.length < open.length;
    open = left;
  }
  if (open.length > 0) refetch = true;
  for (const key of [...plan.outside].sort()) {
    if (members.includes(key) || (limit !== null && members.length >= limit)) continue;
    const place = placeIn(members, key);
    if (!headKnown && (place.at === 0 || !place.known)) continue;
    members.splice(place.at, 0, key);
    if (!place.known) order = true;
  }

  const kept = limit === null ? members : members.slice(0, limit);
  if (order && kept.length < members.length) refetch = true;
  const openEnd = wasFull && (kept.length < limit || kept.some((key) => sortsAfterEnd(key)));
  if ([...plan.perhaps].some((key) => mayBeInside(key))) refetch = true;
  const need = refetch ? 'refetch' : openEnd ? 'refill' : order ? 'order' : null;
  return { members: isSame(before, kept) ? before : kept, need };

  function placeIn(list: readonly string[], key: string): { readonly at: number; readonly known: boolean } {
    const row = rows.view(key);
    const signs = list.map((other) => compareRows(rule.order, row, rows.view(other)));
    const afterSmaller = signs.findLastIndex((sign) => sign !== undefined && sign >= 0) + 1;
    const rest = signs.slice(afterSmaller);
    const larger = rest.findIndex((sign) => sign !== undefined);
    const open = larger === -1 ? rest.length : larger;
    return { at: afterSmaller + open, known: open === 0 };
  }

  function takesPlace(key: string): boolean {
    const place = placeIn(members, key);
    const hasRoom = limit === null || members.length < limit;
    if (!headKnown || (!place.known && !hasRoom)) return false;
    members.splice(place.at, 0, key);
    order = true;
    return true;
  }

  /** Behind the nearest of those that stood before it and are still there. */
  function placeAsBefore(key: string): number {
    const ahead = before.slice(0, before.indexOf(key)).findLast((other) => members.includes(other));
    return ahead === undefined ? 0 : members.indexOf(ahead) + 1;
  }

  /**
   * True if a member may stand after rows that are not in the window, because it sorts after the
   * window's old end.
   */
  function sortsAfterEnd(key: string): boolean {
    if (lastBefore === undefined) return true;
    if (held.has(key) && !moving.has(key)) return false;
    const sign = compareRows(rule.order, rows.view(key), rows.viewBefore(lastBefore));
    return sign === undefined || sign > 0;
  }

  /** A member that was first and moved further down, but is still first, is where it was. */
  function isMoveDown(key: string): boolean {
    const sign = moving.has(key) ? compareRows(rule.order, rows.view(key), rows.viewBefore(key)) : undefined;
    return before[0] === key && sign !== undefined && sign >= 0;
  }

  function mayBeInside(key: string): boolean {
    if (held.has(key)) return true;
    const place = placeIn(kept, key);
    return !place.known || place.at < kept.length || !headKnown || limit === null || kept.length < limit;
  }
}

function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((key, index) => key === right[index]);
}

/**
 * The row of a `one` after a plan. Where several match, the server shows the first by key.
 * `replaces`: what enters takes the place of what was there, because who says so knows both.
 */
export function settleOne(
  rule: ListRule,
  before: string | undefined,
  plan: ListPlan,
  replaces: boolean,
  rows: ListRows,
): SettledList {
  const need = plan.perhaps.size > 0 ? 'refetch' : null;
  const stays = before !== undefined && !plan.leave.has(before) ? before : undefined;
  const entering = [...plan.enter].filter((key) => key !== before && !plan.leave.has(key)).sort();
  const candidates =
    stays === undefined || (replaces && entering.length > 0) ? entering : [stays, ...entering];
  let first = candidates[0];
  for (const key of candidates.slice(1)) {
    const sign = compareRows(rule.order, rows.view(key), rows.view(first!));
    if (sign === undefined) return { members: candidates.slice(0, 1), need: 'refetch' };
    if (sign < 0) first = key;
  }
  return { members: first === undefined ? [] : [first], need };
}

/** The window of a field of which all rows are known. */
export function settleNew(
  rule: ListRule,
  kind: 'one' | 'many',
  keys: readonly string[],
  rows: ListRows,
): SettledList {
  const nothing = new Set<string>();
  const plan = {
    enter: new Set(keys),
    leave: nothing,
    moved: nothing,
    perhaps: nothing,
    outside: nothing,
    unsure: false,
  };
  if (kind === 'one') return settleOne(rule, undefined, plan, false, rows);
  const { members, need } = settleList({ ...rule, limit: null, offset: 0 }, [], plan, rows);
  const end = rule.limit === null ? undefined : rule.offset + rule.limit;
  const shown = members.slice(rule.offset, end);
  return { members: shown, need: need && shown.length < members.length ? 'refetch' : need };
}
