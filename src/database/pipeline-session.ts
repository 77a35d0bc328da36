import type { Statement } from '../sql/statement.js';
import type { StatementCancellation } from './cancellation.js';
import { NOBODY } from './fair-queue.js';
import type { DatabaseSession } from './session.js';
import type { QueryOptions, TextRow } from './types.js';

/** Readings that are sent to one session before the first of them is answered, at most. */
const MOST_SENT = 16;
/** Behind one that takes longer nobody else is sent. */
const LATE_MS = 50;
/** A statement that waited so long behind another is sent to a second session. */
const STUCK_MS = 150;
/** A statement that took longer at its last run gets a session of its own at the next. */
const QUICK_MS = 50;
/**
 * An abandoned statement is cancelled after it has run so long. Before, letting it end and keeping
 * the session costs less.
 */
const CANCELLED_AFTER_MS = 100;
/** Quick statements that are remembered; the oldest goes. */
const MAX_REMEMBERED = 500;
/**
 * Longer statements have a session for themselves: texts come from clients, and these are seldom
 * quick.
 */
const MAX_TEXT_LENGTH = 16_000;

/** A statement that only reads, so that it may be sent twice; the first answer counts. */
export class PipelinedRead {
  readonly statement: Statement;
  readonly options: QueryOptions;
  readonly answer: Promise<readonly TextRow[]>;
  /** It was, or waits to be, sent a second time. There is no third. */
  wasMoved = false;
  /** Number of times that it is sent, or waits to be sent. */
  #open = 1;
  #isSettled = false;
  #isLetGo = false;
  #forget: (() => void) | undefined;
  #resolve!: (rows: readonly TextRow[]) => void;
  #reject!: (error: unknown) => void;

  constructor(statement: Statement, options: QueryOptions) {
    this.statement = statement;
    this.options = options;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get owner(): string {
    return this.options.owner ?? NOBODY;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Nobody waits for it any more. */
  get isLetGo(): boolean {
    return this.#isLetGo;
  }

  /** Calls `onCancel` where the cancellation comes before the answer. */
  heed(cancellation: StatementCancellation | undefined, onCancel: () => void): void {
    this.#forget = cancellation?.onCancel(() => {
      this.#isLetGo = true;
      onCancel();
    });
  }

  move(): void {
    this.wasMoved = true;
    this.#open++;
  }

  resolve(rows: readonly TextRow[]): void {
    this.#isSettled = true;
    this.#forget?.();
    this.#resolve(rows);
  }

  reject(error: unknown): void {
    this.#isSettled = true;
    this.#forget?.();
    this.#reject(error);
  }

  /** A session was lost; what was sent to another one may still be answered. */
  giveUp(error: unknown): void {
    this.#open--;
    if (this.#open === 0) this.reject(error);
  }
}

/** Knows the quick statements by the duration of their last run. */
export class StatementPace {
  readonly #quick = new Set<string>();

  isQuick({ statement }: PipelinedRead): boolean {
    return this.#quick.has(statement.text);
  }

  took(text: string, ms: number): void {
    if (ms > QUICK_MS) this.#quick.delete(text);
    else if (text.length <= MAX_TEXT_LENGTH && !this.#quick.has(text)) {
      this.#quick.add(text);
      if (this.#quick.size > MAX_REMEMBERED) this.#quick.delete(this.#quick.values().next().value!);
    }
  }
}

/** The listener of a pipeline session. */
export interface PipelineOwner {
  readonly pace: StatementPace;
  /** One was answered, or failed. `owner`: whose the first in line was. */
  onLeft(line: PipelineSession, owner: string): void;
  /**
   * It stood behind another one when the session was lost, and was moved: it has to be sent once
   * more.
   */
  onMoved(reading: PipelinedRead): void;
}

/**
 * A session and the readings that were sent to it, which it answers one after the other. Sending
 * several at once costs a part of what each alone costs, on both sides. Only those that are known
 * to be quick stand in line; another one has the session for itself.
 *
 * A request to cancel names a session and not a statement: one that comes late ends what runs then.
 * So whoever stands behind a statement that is to be cancelled is first sent to another session,
 * and the session is never used again.
 */
export class PipelineSession {
  readonly session: DatabaseSession;
  readonly #owner: PipelineOwner;
  readonly #sent: PipelinedRead[] = [];
  #firstSince = 0;
  #isQuick = true;
  #isLost = false;
  #isCancelled = false;
  #cancelling: NodeJS.Timeout | undefined;

  constructor(session: DatabaseSession, owner: PipelineOwner) {
    this.session = session;
    this.#owner = owner;
  }

  get length(): number {
    return this.#sent.length;
  }

  get first(): PipelinedRead | undefined {
    return this.#sent[0];
  }

  accepts(reading: PipelinedRead): boolean {
    if (this.#isCancelled) return false;
    const { length } = this.#sent;
    if (length === 0) return true;
    if (length >= MOST_SENT || !this.#isQuick || this.session.lost || this.session.isSpent) return false;
    // Its turn has nearly come: the database that was slow would have everything to do twice.
    if (reading.wasMoved && this.#sent.includes(reading)) return false;
    return this.#owner.pace.isQuick(reading) && performance.now() - this.#firstSince < LATE_MS;
  }

  send(reading: PipelinedRead): void {
    if (this.#sent.length === 0) {
      this.#firstSince = performance.now();
      this.#isQuick = this.#owner.pace.isQuick(reading);
    }
    this.#sent.push(reading);
    this.session.query(reading.statement, reading.options).then(
      (rows) => {
        reading.resolve(rows);
        this.#leave(reading);
      },
      (error: unknown) => {
        if (this.session.lost) this.#lose(reading, error);
        else if (this.#isCancelled) reading.giveUp(error);
        else reading.reject(error);
        this.#leave(reading);
      },
    );
  }

  /**
   * Nobody waits for this one any more: where it has begun and does not end soon, it is cancelled.
   */
  letGo(reading: PipelinedRead): void {
    if (this.#sent[0] === reading) this.#cancelLater();
  }

  #cancelLater(): void {
    const waitMs = Math.max(0, this.#firstSince + CANCELLED_AFTER_MS - performance.now());
    this.#cancelling ??= setTimeout(() => this.#cancel(), waitMs).unref();
  }

  #cancel(): void {
    this.#isCancelled = true;
    for (const behind of this.#sent.slice(1)) {
      if (behind.isSettled) continue;
      behind.move();
      this.#owner.onMoved(behind);
    }
    this.session.cancel();
  }

  /** Marks those as moved that wait too long behind the first. */
  takeStuck(): readonly PipelinedRead[] {
    if (this.#sent.length < 2 || performance.now() - this.#firstSince < STUCK_MS) return [];
    const stuck = this.#sent.slice(1).filter(({ wasMoved, isSettled }) => !wasMoved && !isSettled);
    for (const reading of stuck) reading.move();
    return stuck;
  }

  /** The first one to hear of it was on its way; the others had not begun. */
  #lose(reading: PipelinedRead, error: unknown): void {
    const hadBegun = !this.#isLost;
    this.#isLost = true;
    if (!hadBegun && !reading.wasMoved && !reading.isSettled) {
      reading.move();
      this.#owner.onMoved(reading);
    }
    reading.giveUp(error);
  }

  #leave(reading: PipelinedRead): void {
    const { owner } = this.#sent[0]!;
    const place = this.#sent.indexOf(reading);
    this.#sent.splice(place, 1);
    if (place === 0) {
      const now = performance.now();
      this.#owner.pace.took(reading.statement.text, now - this.#firstSince);
      this.#firstSince = now;
      clearTimeout(this.#cancelling);
      this.#cancelling = undefined;
      if (this.#isCancelled) this.session.discard();
      else if (this.#sent[0]?.isLetGo) this.#cancelLater();
    }
    this.#owner.onLeft(this, owner);
  }
}
