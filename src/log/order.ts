import type { Cells } from '../filter/types.js';
import type { Change } from './types.js';

/**
 * Puts the changes of one row, by one transaction, into the order in which they happened.
 *
 * `seq` is taken when a statement ends. A trigger of the user's (AFTER … FOR EACH ROW) that changes the same row again runs before
 * that, so its change is logged first. Each change's old image is the new image of the one before it: where that does not
 * hold in the order of `seq`, an order in which it does is looked for; where there is none (a watcher that logs some updates only), the
 * order of `seq` stays.
 */
export function inCausalOrder(changes: readonly Change[]): readonly Change[] {
  if (changes.length < 2 || isChain(changes)) return changes;
  return chain(changes) ?? changes;
}

function isChain(changes: readonly Change[]): boolean {
  return changes.every((change, i) => i === 0 || sameImage(changes[i - 1]!.new, change.old));
}

/** An Eulerian path: states are nodes, changes are edges (Hierholzer's algorithm). `null`: there is none. */
function chain(changes: readonly Change[]): readonly Change[] | null {
  const waiting = new Map<string, Change[]>();
  const balance = new Map<string, number>();
  for (const change of changes) {
    const [from, to] = [nodeOf(change.old), nodeOf(change.new)];
    const edges = waiting.get(from);
    if (edges) edges.push(change);
    else waiting.set(from, [change]);
    balance.set(from, (balance.get(from) ?? 0) + 1);
    balance.set(to, (balance.get(to) ?? 0) - 1);
  }
  for (const edges of waiting.values()) edges.reverse();
  const starts = [...balance].filter(([, count]) => count > 0);
  if (starts.length > 1 || starts.some(([, count]) => count > 1)) return null;
  const start = starts[0]?.[0] ?? nodeOf(changes[0]!.old);
  const stack: { node: string; by: Change | null }[] = [{ node: start, by: null }];
  const path: Change[] = [];
  while (stack.length > 0) {
    const next = waiting.get(stack.at(-1)!.node)?.pop();
    if (next) stack.push({ node: nodeOf(next.new), by: next });
    else {
      const { by } = stack.pop()!;
      if (by) path.push(by);
    }
  }
  path.reverse();
  return path.length === changes.length && isChain(path) ? path : null;
}

function nodeOf(image: Cells | null): string {
  return image === null ? '' : JSON.stringify(image);
}

function sameImage(a: Cells | null, b: Cells | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((cell, i) => cell === b[i]);
}
