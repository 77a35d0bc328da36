import { print } from 'graphql';
import { isObject } from '../../row.js';
import type { AppliedRoot } from '../derive.js';
import { LiveSession, type LiveSessionOptions } from '../session.js';
import { TransactionBarrier } from '../transaction-barrier.js';
import { type DataDifference, firstDifference, firstUnequal, type TreeDifference } from './difference.js';
import { DEFAULT_VERIFY, type VerifyOptions } from './options.js';
import { changesNamedIn, lastOf, ReceivedTransactions } from './received-transactions.js';
import { differenceOf, type LiveDifference, type SuspectChange } from './report.js';

/** A session's options, and what the cache shows of its query. */
export interface LiveVerifierOptions extends LiveSessionOptions {
  readonly shown: (() => unknown) | undefined;
}

/** A difference that was found, and its age. */
interface Finding {
  readonly difference: TreeDifference;
  /** When it was first found, and nothing else since. */
  readonly since: number;
  readonly transaction: string | null;
  readonly isSynced: boolean;
}

/**
 * Compares one live query with the network from time to time, and reports the first difference. It
 * changes nothing.
 *
 * A second session asks the network and is then told of what comes after its answer, as the first
 * one is. They are compared where both were last told of the same transaction, so that it does not
 * matter how far either lags behind the database. Where nothing is told, a difference has to last,
 * and a third stream has to be told of a change that the live query is not told of for as long; or
 * it has to last three times as long, and the network has to say the same once more. A comparison
 * during which the live query itself is asked again is given up.
 */
export class LiveVerifier {
  readonly #session: LiveSession;
  readonly #options: LiveVerifierOptions;
  readonly #times: Required<Omit<VerifyOptions, 'onProblem'>>;
  readonly #report: (difference: LiveDifference) => void;
  readonly #heard = new ReceivedTransactions();
  /** Cursor of each root's stream when its data was last correct. */
  readonly #good = new Map<AppliedRoot, string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #run: VerifierRun | undefined;
  #epoch = 0;
  #inCache: (DataDifference & { readonly data: unknown; readonly since: number }) | undefined;
  #lastReported: string | undefined;
  #stops = new Set<() => void>();
  #isStopped = false;

  constructor(
    session: LiveSession,
    options: LiveVerifierOptions,
    verify: VerifyOptions,
    report: (difference: LiveDifference) => void,
  ) {
    this.#session = session;
    this.#options = options;
    this.#times = { ...DEFAULT_VERIFY, ...verify };
    this.#report = report;
    this.#plan();
  }

  /** A message came for the live query. */
  heard(message: Readonly<Record<string, unknown>>): void {
    this.#heard.add(message);
  }

  /** A message was applied, or the query was answered. */
  moved(): void {
    if (this.#session.epoch !== this.#epoch) {
      this.#epoch = this.#session.epoch;
      for (const root of this.#roots) {
        const cursor = this.#session.cursorOf(root);
        if (cursor !== undefined) this.#good.set(root, cursor);
      }
    }
    queueMicrotask(() => this.#run?.look());
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#run?.stop();
    for (const stop of this.#stops) stop();
    this.#stops.clear();
  }

  get #roots(): readonly AppliedRoot[] {
    return this.#options.plan.roots.filter((root) => root.kind === 'applied');
  }

  #plan(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => this.#begin(), this.#times.everyMs * (1 + Math.random() / 2));
  }

  #begin(): void {
    if (!this.#session.isSteady) {
      this.#plan();
      return;
    }
    this.#lookAtCache();
    this.#run = new VerifierRun(this.#session, this.#options, this.#times, this.#roots, {
      same: (root, cursor) => {
        this.#good.set(root, cursor);
        this.#lastReported = undefined;
      },
      explain: (root, difference) => this.#explain(root, difference),
      arrived: (transaction) => this.#heard.has(transaction),
      differs: (difference, change) => this.#tell(difference, change),
      end: () => {
        this.#run = undefined;
        this.#plan();
      },
    });
  }

  /**
   * The cache shows the session's last emission. A difference that was there before, too, is not
   * about to end.
   */
  #lookAtCache(): void {
    const { shown, plan, variables } = this.#options;
    const data = this.#session.lastShown;
    const inCache = shown?.();
    const found = inCache === undefined ? undefined : firstUnequal(data, inCache, '');
    const before = this.#inCache;
    const isSame = before !== undefined && before.data === data && before.path === found?.path;
    this.#inCache = found && { ...found, data, since: isSame ? before.since : Date.now() };
    if (!found || !isSame || Date.now() - before.since < this.#times.patienceMs) return;
    const name = JSON.stringify([found.path, 'in the cache']);
    if (name === this.#lastReported) return;
    this.#lastReported = name;
    const { path, expected: truth, actual: cached } = found;
    this.#report(differenceOf({ query: print(plan.document), variables, path, cached, truth, change: null }));
  }

  async #explain(root: AppliedRoot, difference: TreeDifference): Promise<Evidence> {
    const found = lastOf(difference.rows, await this.#replayed(root));
    return { about: aboutOf(difference), change: found ?? null, at: Date.now() };
  }

  #tell(difference: TreeDifference, found: Evidence['change']): void {
    const { path, cached, truth } = difference;
    const name = JSON.stringify([path, cached, truth]);
    if (name === this.#lastReported) return;
    this.#lastReported = name;
    const change: SuspectChange | null = found && {
      ...found,
      arrived: this.#heard.has(found.transaction),
    };
    const { plan, variables } = this.#options;
    this.#report(differenceOf({ query: print(plan.document), variables, path, cached, truth, change }));
  }

  /** Everything that the server says happened since the root last showed the truth. */
  #replayed(root: AppliedRoot): Promise<readonly Omit<SuspectChange, 'arrived'>[]> {
    const { client, schema } = this.#options;
    const after = this.#good.get(root);
    const found: Omit<SuspectChange, 'arrived'>[] = [];
    if (after === undefined) return Promise.resolve(found);
    return new Promise((resolve) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      let close = () => {};
      const end = (): void => {
        clearTimeout(timer);
        this.#stops.delete(end);
        close();
        resolve(found);
      };
      const wait = (): void => {
        clearTimeout(timer);
        timer = setTimeout(end, QUIET_MS);
      };
      const until = Date.now() + MOST_MS;
      this.#stops.add(end);
      const { query, variables, field } = root.stream;
      wait();
      close = client.subscribe(
        { query, variables: { ...variables, after } },
        {
          next: ({ data }) => {
            const message = isObject(data) ? data[field] : undefined;
            if (!isObject(message)) return;
            found.push(...changesNamedIn(schema, root.reading, message));
            if (Date.now() > until) end();
            else wait();
          },
          error: end,
          complete: end,
        },
      );
    });
  }
}

/** After so long without a message the server has said everything. */
const QUIET_MS = 2_000;
/** If it is never quiet, the changes until then are enough. */
const MOST_MS = 5_000;

/** The server's changes that would explain a difference. */
interface Evidence {
  /** The rows that differ. */
  readonly about: string;
  readonly change: Omit<SuspectChange, 'arrived'> | null;
  /** When it had said it. */
  readonly at: number;
}

function aboutOf({ rows }: TreeDifference): string {
  return JSON.stringify(rows[0] ?? null);
}

interface Verdict {
  same(root: AppliedRoot, cursor: string): void;
  explain(root: AppliedRoot, difference: TreeDifference): Promise<Evidence>;
  arrived(transaction: string): boolean;
  differs(difference: TreeDifference, change: Evidence['change']): void;
  end(): void;
}

/** One comparison. */
class VerifierRun {
  readonly #session: LiveSession;
  readonly #times: Required<Omit<VerifyOptions, 'onProblem'>>;
  readonly #verdict: Verdict;
  readonly #shadow: LiveSession;
  readonly #together: TransactionBarrier;
  readonly #open: Set<AppliedRoot>;
  readonly #findings = new Map<AppliedRoot, Finding>();
  readonly #evidence = new Map<AppliedRoot, Evidence | 'asked'>();
  readonly #began = Date.now();
  readonly #epoch: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The network was asked once more. */
  #isConfirmed = false;
  #isOver = false;

  constructor(
    session: LiveSession,
    options: LiveSessionOptions,
    times: Required<Omit<VerifyOptions, 'onProblem'>>,
    roots: readonly AppliedRoot[],
    verdict: Verdict,
  ) {
    this.#session = session;
    this.#times = times;
    this.#verdict = verdict;
    this.#open = new Set(roots);
    this.#epoch = session.epoch;
    this.#together = new TransactionBarrier(options.times, () => {});
    this.#shadow = new LiveSession({
      ...options,
      barrier: this.#together,
      schedule: () => {},
      emit: () => {},
      changed: () => {},
      heard: () => {},
      echoed: () => {},
      report: () => {},
      // Not in the middle of what it does.
      observer: { messageReceived: () => {}, stateChanged: () => queueMicrotask(() => this.look()) },
    });
    this.#shadow.start();
    this.#tick();
  }

  /** Something moved, on either side. */
  look(): void {
    if (this.#isOver) return;
    if (!this.#session.isSteady || this.#session.epoch !== this.#epoch || this.#isLate) {
      this.stop();
      return;
    }
    if (!this.#shadow.isSteady) return;
    for (const root of this.#open) this.#compare(root);
    if (this.#open.size === 0) this.stop();
  }

  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#shadow.stop();
    this.#together.stop();
    this.#verdict.end();
  }

  get #isLate(): boolean {
    return Date.now() - this.#began > this.#times.giveUpMs;
  }

  #tick(): void {
    this.#timer = setTimeout(() => {
      this.look();
      if (!this.#isOver) this.#tick();
    }, this.#times.confirmMs / 4);
  }

  #compare(root: AppliedRoot): void {
    const [cached, truth] = [this.#session.treeOf(root), this.#shadow.treeOf(root)];
    const difference = firstDifference(root.reading, cached, truth, root.responseKey);
    if (!difference) {
      this.#open.delete(root);
      this.#verdict.same(root, this.#shadow.cursorOf(root)!);
      return;
    }
    const transaction = this.#session.lastTransaction(root);
    const isSynced = transaction !== null && transaction === this.#shadow.lastTransaction(root);
    const isIdle = this.#shadow.lastTransaction(root) === null;
    // One of them is about to be told what the other was.
    if (!isSynced && !isIdle) return;
    const known = this.#findings.get(root);
    const goesOn = known?.isSynced === isSynced && (isSynced || known.transaction === transaction);
    const since = goesOn ? known.since : Date.now();
    if (!goesOn) this.#evidence.delete(root);
    this.#findings.set(root, { difference, since, transaction, isSynced });
    const { confirmMs, patienceMs } = this.#times;
    if (Date.now() - since < (isSynced ? confirmMs : patienceMs)) return;
    const evidence = this.#evidence.get(root);
    if (evidence === 'asked') return;
    if (evidence?.about !== aboutOf(difference)) {
      this.#ask(root, difference);
      return;
    }
    const { change, at } = evidence;
    // Others were told of it long ago: it is lost, and not late.
    const isLost =
      change !== null && !this.#verdict.arrived(change.transaction) && Date.now() - at > patienceMs;
    if (!isSynced && !isLost && !this.#isCertain(since)) return;
    this.#open.delete(root);
    this.#verdict.differs(difference, change);
  }

  #ask(root: AppliedRoot, difference: TreeDifference): void {
    this.#evidence.set(root, 'asked');
    void this.#verdict.explain(root, difference).then((evidence) => {
      if (this.#evidence.get(root) === 'asked') this.#evidence.set(root, evidence);
      this.look();
    });
  }

  /**
   * Nothing explains it: then it has to last much longer, and the network has to say the same once
   * more.
   */
  #isCertain(since: number): boolean {
    if (Date.now() - since < 3 * this.#times.patienceMs) return false;
    if (this.#isConfirmed) return true;
    this.#isConfirmed = true;
    this.#shadow.refetch();
    return false;
  }
}
