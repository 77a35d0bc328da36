import type { ResetReason } from '../../../shared/protocol/messages.js';
import type { Database } from '../../database/types.js';
import type { DecodedCursor } from '../../feed/cursor.js';
import type { LogPage, LogPages, LogRange, UnreadableRange } from '../../feed/log-pages.js';
import type { Snapshot } from '../../log/snapshot.js';
import type { LoggedTransaction } from '../../log/types.js';
import type { BatchEvaluator, RetryPassing } from '../evaluate/batch-evaluator.js';
import { contextsOf, type TransactionContext } from '../evaluate/transaction-context.js';
import type { ReplayGuard } from '../replay/replay-guard.js';
import type { ReplayedStep } from '../replay/replay-levels.js';
import type { ScopeDelta, StatelessEvaluation } from '../views/scope.js';
import type { SubscriberGroup } from './group.js';
import type { ChangeSubscriber } from './subscriber.js';

/** So much is evaluated at a time, in one statement where Postgres is asked at all. */
const PAGE_CHANGES = 500;

/** Largest rest of a backlog that is replayed while the group already listens to the feed. */
const NEAR_CHANGES = 500;

/**
 * Number of changes that are held in memory, and replayed in a few steps, if other tables that
 * decide the scope changed.
 */
const EXACT_CHANGES = 20_000;

/**
 * Largest age of the read point at which pages are evaluated. Later changes must be taken back, and
 * their number grows.
 */
const RANGE_LASTS_MS = 5_000;

/** A subscriber without room for so long no longer holds up the others of its group. */
const WAIT_TOGETHER_MS = 1_000;

/** Time between two checks of the backlog while the group waits for a subscriber. */
const LOOK_EVERY_MS = 100;

export type CaughtUp =
  /** Everything up to `position` was delivered. */
  | { readonly kind: 'near'; readonly position: Snapshot }
  | { readonly kind: 'reset'; readonly reason: ResetReason };

export interface CatchUpOptions {
  readonly database: Database;
  readonly pages: LogPages;
  readonly evaluator: BatchEvaluator;
  readonly retry: RetryPassing;
  readonly maxChanges: number;
  /** Delivers by the rights of now; none for server code. */
  readonly guard: ReplayGuard | undefined;
  /** Called before anything is delivered. */
  readonly onTelling: () => void;
  /** Takes subscribers out of the group, who were told everything up to `position`. */
  readonly split: (subscribers: readonly ChangeSubscriber[], position: Snapshot) => void;
}

/**
 * Brings a group that resumes near to now, by pages of the log, at the pace at which its
 * subscribers take what they are told: neither what was missed is held in memory, nor what comes
 * meanwhile. Scopes that keep keys are not kept up to date with it: they are loaded at the position
 * that it returns.
 */
export async function catchUp(
  group: SubscriberGroup,
  { epoch, snapshot }: DecodedCursor,
  options: CatchUpOptions,
): Promise<CaughtUp> {
  const { database, pages, retry, maxChanges } = options;
  const told: Told = { position: snapshot };
  let position = snapshot;
  for (let isFirst = true; group.isOpen; isFirst = false) {
    const range = await retry(() => pages.range(database, { epoch, snapshot: position }));
    if (range.kind !== 'range') return { kind: 'reset', reason: reasonOf(range) };
    if (isFirst && range.changes > maxChanges) return { kind: 'reset', reason: 'TOO_OLD' };
    if (range.changes <= NEAR_CHANGES) break;
    const { steady } = group.scope;
    if (!steady || range.touches(steady.elsewhere)) {
      if (range.changes <= EXACT_CHANGES) break;
      return { kind: 'reset', reason: 'TOO_OLD' };
    }
    const until = performance.now() + RANGE_LASTS_MS;
    while (group.isOpen && performance.now() < until) {
      const page = await retry(() => range.next(database, PAGE_CHANGES));
      if (page === null) break;
      if ('kind' in page) return { kind: 'reset', reason: reasonOf(page) };
      const lost = page.transactions.find(({ unreadable }) => unreadable.has(group.spec.table));
      if (lost) return { kind: 'reset', reason: lost.isTooLarge ? 'TOO_OLD' : 'SCHEMA_CHANGED' };
      options.onTelling();
      await tellPage(group, steady, page, range, told, options);
      position = page.position;
    }
  }
  return { kind: 'near', position };
}

/** The position at which the delivered messages amount to the scope. */
interface Told {
  position: Snapshot;
}

async function tellPage(
  group: SubscriberGroup,
  steady: StatelessEvaluation,
  page: LogPage,
  range: LogRange,
  told: Told,
  { evaluator, split, guard }: CatchUpOptions,
): Promise<void> {
  const contexts = [...contextsOf(page.transactions, range.snapshot)];
  const deltas = await evaluatePage(steady, contexts, evaluator, range.snapshot);
  const steps = contexts.flatMap((context, at): ReplayedStep[] => {
    const delta = deltas[at];
    return delta ? [{ context, delta }] : [];
  });
  const admit = guard ? await guard.ofPage(steps, evaluator) : (step: ReplayedStep) => step;
  for (const step of steps) {
    const next = admit(step);
    if (next) {
      if (!group.hasRoom) await roomOf(group, (subscribers) => split(subscribers, told.position));
      if (!group.isOpen) return;
      group.tell(next.context, next.delta);
    }
    if (!guard?.isWaiting) told.position = step.context.transaction.cursor;
  }
  if (!guard?.isWaiting) told.position = page.position;
}

async function evaluatePage(
  steady: StatelessEvaluation,
  contexts: readonly TransactionContext[],
  evaluator: BatchEvaluator,
  position: Snapshot,
): Promise<readonly (ScopeDelta | null)[]> {
  // The page's transactions wrote nothing to other tables, so any read point of the range will do.
  const round = evaluator.round({ position, later: NOTHING_LATER });
  const client = round.client();
  const evaluation = steady.evaluateAll(
    contexts.map(({ net }) => net),
    client,
  );
  let step = evaluation.next(client);
  if (!step.done) {
    await round.run();
    if (client.error) throw client.error;
    step = evaluation.next(client);
  }
  if (!step.done) throw new TypeError('a page is evaluated in one round');
  return step.value;
}

const NOTHING_LATER: readonly LoggedTransaction[] = [];

/**
 * Waits until every subscriber can take more; those who are much slower than others are left to
 * themselves.
 */
async function roomOf(
  group: SubscriberGroup,
  split: (subscribers: readonly ChangeSubscriber[]) => void,
): Promise<void> {
  while (group.isOpen && !group.hasRoom) {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, WAIT_TOGETHER_MS);
    });
    await Promise.race([group.room(), late]);
    clearTimeout(timer);
    const slow = group.withoutRoom();
    if (slow.length > 0 && slow.length < group.size) split(slow);
  }
}

/**
 * Waits until every subscriber can take more, for as long as little waits in the group's backlog.
 */
export async function roomBeforeBacklog(group: SubscriberGroup): Promise<void> {
  while (group.isOpen && !group.hasRoom && group.backlog < NEAR_CHANGES) {
    let timer: NodeJS.Timeout | undefined;
    const look = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LOOK_EVERY_MS);
    });
    await Promise.race([group.room(), look]);
    clearTimeout(timer);
  }
}

function reasonOf({ kind }: UnreadableRange): ResetReason {
  switch (kind) {
    case 'foreign':
      return 'OTHER_LOG';
    case 'trimmed':
      return 'TOO_OLD';
    case 'lost':
      return 'LOG_LOST';
  }
}
