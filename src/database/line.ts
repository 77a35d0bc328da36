import type { Statement } from '../sql/statement.js';
import type { Session } from './session.js';
import type { QueryOptions, TextRow } from './types.js';

/** Readings that are sent to one session before the first of them is answered, at most. */
const MOST_SENT = 16;
/** Behind one that takes longer nobody else is sent. */
const LATE_MS = 50;
/** Who waited so long behind another is sent to a second session. */
const STUCK_MS = 150;
/** What took longer at its last time has a session for itself at the next. */
const QUICK_MS = 50;
/** Quick statements that are remembered; the oldest goes. */
const MAX_REMEMBERED = 500;

/** A statement that only reads, so that it may be sent twice; the first answer counts. */
export class Reading {
  readonly statement: Statement;
  readonly options: QueryOptions;
  readonly answer: Promise<readonly TextRow[]>;
  /** It was, or waits to be, sent a second time. There is no third. */
  wasMoved = false;
  /** How often it is sent, or waits to be. */
  #open = 1;
  #isSettled = false;
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

  get isSettled(): boolean {
    return this.#isSettled;
  }

  move(): void {
    this.wasMoved = true;
    this.#open++;
  }

  resolve(rows: readonly TextRow[]): void {
    this.#isSettled = true;
    this.#resolve(rows);
  }

  reject(error: unknown): void {
    this.#isSettled = true;
    this.#reject(error);
  }

  /** A session was lost; what was sent to another one may still be answered. */
  giveUp(error: unknown): void {
    this.#open--;
    if (this.#open === 0) this.reject(error);
  }
}

/** Which statements are quick, by what they took at their last time. */
export class Pace {
  readonly #quick = new Set<string>();

  isQuick({ statement }: Reading): boolean {
    return this.#quick.has(statement.text);
  }

  took(text: string, ms: number): void {
    if (ms > QUICK_MS) this.#quick.delete(text);
    else if (!this.#quick.has(text)) {
      this.#quick.add(text);
      if (this.#quick.size > MAX_REMEMBERED) this.#quick.delete(this.#quick.values().next().value!);
    }
  }
}

/** Whom a line tells. */
export interface LineOwner {
  readonly pace: Pace;
  /** One was answered, or failed. */
  onLeft(line: Line): void;
  /** It stood behind another one when the session was lost, and was moved: it has to be sent once more. */
  onMoved(reading: Reading): void;
}

/**
 * A session and the readings that were sent to it, which it answers one after the other. Sending several at once costs a part of what each
 * alone costs, on both sides. Only those that are known to be quick stand in line; another one has the session for itself.
 */
export class Line {
  readonly session: Session;
  readonly #owner: LineOwner;
  readonly #sent: Reading[] = [];
  #firstSince = 0;
  #isQuick = true;
  #isLost = false;

  constructor(session: Session, owner: LineOwner) {
    this.session = session;
    this.#owner = owner;
  }

  get length(): number {
    return this.#sent.length;
  }

  accepts(reading: Reading): boolean {
    const { length } = this.#sent;
    if (length === 0) return true;
    if (length >= MOST_SENT || !this.#isQuick || this.session.lost || this.session.isOld) return false;
    // Its turn has nearly come: the database that was slow would have everything to do twice.
    if (reading.wasMoved && this.#sent.includes(reading)) return false;
    return this.#owner.pace.isQuick(reading) && performance.now() - this.#firstSince < LATE_MS;
  }

  send(reading: Reading): void {
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
        else reading.reject(error);
        this.#leave(reading);
      },
    );
  }

  /** Marks those as moved that wait too long behind the first. */
  takeStuck(): readonly Reading[] {
    if (this.#sent.length < 2 || performance.now() - this.#firstSince < STUCK_MS) return [];
    const stuck = this.#sent.slice(1).filter(({ wasMoved, isSettled }) => !wasMoved && !isSettled);
    for (const reading of stuck) reading.move();
    return stuck;
  }

  /** The first one to hear of it was on its way; the others had not begun. */
  #lose(reading: Reading, error: unknown): void {
    const hadBegun = !this.#isLost;
    this.#isLost = true;
    if (!hadBegun && !reading.wasMoved && !reading.isSettled) {
      reading.move();
      this.#owner.onMoved(reading);
    }
    reading.giveUp(error);
  }

  #leave(reading: Reading): void {
    const place = this.#sent.indexOf(reading);
    this.#sent.splice(place, 1);
    if (place === 0) {
      const now = performance.now();
      this.#owner.pace.took(reading.statement.text, now - this.#firstSince);
      this.#firstSince = now;
    }
    this.#owner.onLeft(this);
  }
}
