import type { RowCells } from '../../shared/filter/types.js';
import type { LoggedChange } from './types.js';

/**
 * Puts the changes of one row, by one transaction, into the order in which they happened. `null`:
 * they are not all of its changes.
 *
 * `seq` is taken when a statement ends. A trigger of the user's (AFTER … FOR EACH ROW) that changes
 * the same row again runs before that, so its change is logged first; and of a row that one
 * statement changes several times, the changes are logged in any order. Each change's old image is
 * the new image of the one before it. Where that does not hold in the order of `seq`, an order in
 * which it does is found. Where there is none, old and new images may stand beside others than
 * their own; then one change stands for all: of images that are as often old as new, nothing is
 * left, so what is left is the first and the last. More is left where changes went by unseen.
 *
 * `logged` are the columns (by place) of which every change was logged, where it is not all: then
 * only these must follow from one another.
 */
export function inCausalOrder(
  changes: readonly LoggedChange[],
  logged: readonly number[] | null = null,
): readonly LoggedChange[] | null {
  if (changes.length < 2 || isInOrder(changes)) return changes;
  return ordered(changes, wholeImage) ?? (logged && ordered(changes, (image) => partOf(image, logged)));
}

function isInOrder(changes: readonly LoggedChange[]): boolean {
  return changes.every((change, i) => i === 0 || sameImage(changes[i - 1]!.new, change.old));
}

/** The values that two images must share for one change to follow the other. */
type Node = (image: RowCells | null) => string;

function ordered(changes: readonly LoggedChange[], nodeOf: Node): readonly LoggedChange[] | null {
  const edges = changes.map((change) => ({
    change,
    from: nodeOf(change.old),
    to: nodeOf(change.new),
  }));
  if (isChain(edges)) return changes;
  const ends = endsOf(edges);
  if (!ends) return null;
  return chain(edges, ends.start)?.map((edge) => edge.change) ?? netOf(edges, ends);
}

interface Edge {
  readonly change: LoggedChange;
  readonly from: string;
  readonly to: string;
}

interface Ends {
  readonly start: string;
  /** `start`, where the row ends as it began. */
  readonly end: string;
}

function isChain(edges: readonly Edge[]): boolean {
  return edges.every((edge, i) => i === 0 || edges[i - 1]!.to === edge.from);
}

/**
 * States are nodes, changes are edges: only the first state is left once more than it is reached,
 * only the last is reached once more.
 */
function endsOf(edges: readonly Edge[]): Ends | null {
  const balance = new Map<string, number>();
  for (const { from, to } of edges) {
    balance.set(from, (balance.get(from) ?? 0) + 1);
    balance.set(to, (balance.get(to) ?? 0) - 1);
  }
  const uneven = [...balance].filter(([, count]) => count !== 0);
  if (uneven.length === 0) return { start: edges[0]!.from, end: edges[0]!.from };
  if (uneven.length > 2 || uneven.some(([, count]) => Math.abs(count) > 1)) return null;
  const start = uneven.find(([, count]) => count > 0)![0];
  return { start, end: uneven.find(([, count]) => count < 0)![0] };
}

/** An Eulerian path (Hierholzer's algorithm). `null`: the changes do not hang together. */
function chain(edges: readonly Edge[], start: string): readonly Edge[] | null {
  const waiting = new Map<string, Edge[]>();
  for (const edge of edges) {
    const from = waiting.get(edge.from);
    if (from) from.push(edge);
    else waiting.set(edge.from, [edge]);
  }
  for (const from of waiting.values()) from.reverse();
  const stack: { node: string; by: Edge | null }[] = [{ node: start, by: null }];
  const path: Edge[] = [];
  while (stack.length > 0) {
    const next = waiting.get(stack.at(-1)!.node)?.pop();
    if (next) stack.push({ node: next.to, by: next });
    else {
      const { by } = stack.pop()!;
      if (by) path.push(by);
    }
  }
  path.reverse();
  return path.length === edges.length && isChain(path) ? path : null;
}

function netOf(edges: readonly Edge[], { start, end }: Ends): readonly LoggedChange[] {
  if (start === end) return [];
  const old = edges.find(({ from }) => from === start)!.change.old;
  const { change } = edges.findLast(({ to }) => to === end)!;
  const op = old === null ? 'INSERT' : change.new === null ? 'DELETE' : 'UPDATE';
  return [{ ...change, op, old }];
}

const wholeImage: Node = (image) => (image === null ? '' : JSON.stringify(image));

function partOf(image: RowCells | null, columns: readonly number[]): string {
  return image === null ? '' : JSON.stringify(columns.map((column) => image[column]));
}

function sameImage(a: RowCells | null, b: RowCells | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((cell, i) => cell === b[i]);
}
