import type { Link } from '../../../shared/protocol/messages.js';
import type { RelatedMessage, ScopeChange } from '../messages/types.js';
import { NOTHING_RELATED } from '../messages/types.js';
import type { ScopeDelta } from '../views/scope.js';
import type { ReplayLevel } from './replay-levels.js';
import { linkId, type ReplayVerdicts, withoutPrevious } from './replay-rights.js';

/**
 * Merged steps without their times: rows that were away only for a while are not mentioned, UPDATE
 * has no row before, LEAVE is a DELETE if the row is gone in the end, and the order is not that of
 * time. For replays that may not reveal when, or how often, rows came and left. `null` if nothing
 * is left.
 */
export function netOf(top: ReplayLevel, delta: ScopeDelta, verdicts: ReplayVerdicts): ScopeDelta | null {
  const changes = netChangesOf(top, delta.changes, verdicts);
  const related = netRelatedOf(top, delta.related, verdicts);
  if (delta.reset === null && changes.length === 0 && related.size === 0) return null;
  return { ...delta, changes, related };
}

function netChangesOf(
  level: ReplayLevel,
  changes: readonly ScopeChange[],
  verdicts: ReplayVerdicts,
): readonly ScopeChange[] {
  const net = changes.flatMap((change): readonly ScopeChange[] => {
    const fate = verdicts.fateOf(level, change.key);
    if (change.kind === 'ENTER') return [change];
    if (change.kind === 'LEAVE') return [{ ...change, op: fate === 'gone' ? 'DELETE' : null }];
    return fate === 'unchanged' ? [] : [withoutPrevious(level, change)];
  });
  return net.toSorted((a, b) => compare(a.key, b.key));
}

function netRelatedOf(
  { below }: ReplayLevel,
  related: ScopeDelta['related'],
  verdicts: ReplayVerdicts,
): ScopeDelta['related'] {
  const net = new Map<string, RelatedMessage>();
  for (const [name, message] of related) {
    const level = below.get(name)!;
    const changes = netChangesOf(level, message.changes, verdicts);
    const deeper = netRelatedOf(level, message.related, verdicts);
    const links = message.links.toSorted(compareLinks);
    if (changes.length + links.length + deeper.size > 0) net.set(name, { changes, links, related: deeper });
  }
  return net.size === 0 ? NOTHING_RELATED : net;
}

/** Links that ended stay before links that began. */
function compareLinks(a: Link, b: Link): number {
  if (a.kind !== b.kind) return a.kind === 'LEAVE' ? -1 : 1;
  return compare(linkId(a), linkId(b));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
