import { RivuletError } from '../../../shared/errors.js';
import { WorkSemaphore } from '../../scope/lifecycle/work-semaphore.js';
import type { RequestInfo } from '../engine/config.js';
import { callAt } from './expiry-timer.js';
import type { IdentityResolver, UserIdentity } from './identity.js';
import { rightsChangedError, type SessionList, UserSession } from './session.js';

/**
 * Number of contexts that are re-evaluated at a time, so that many of them do not starve requests.
 */
const AT_ONCE = 8;

export interface SessionRegistryOptions {
  readonly identify: IdentityResolver;
  /** After so many seconds the context of a long connection is evaluated again. 0: never. */
  readonly contextMaxAgeSeconds: number;
}

/** An evaluation under way, and the users whose rights were said to have changed since it began. */
interface Evaluation {
  outdated: Set<string> | null;
}

/**
 * The users of this server's requests and connections, so that the application can say that one of
 * them has other rights, or none.
 *
 * From the moment of such a call nothing is delivered by the rights before: connections are
 * suspended or closed, requests under way fail, and an evaluation of `context` that was under way
 * for that user is made anew.
 */
export class SessionRegistry implements SessionList {
  readonly #identify: IdentityResolver;
  readonly #maxAgeMs: number;
  readonly #bySubject = new Map<string, Set<UserSession>>();
  readonly #evaluations = new Set<Evaluation>();
  readonly #turnstile = new WorkSemaphore(AT_ONCE);
  readonly #reevaluations = new Map<UserSession, Promise<void>>();
  /** Long ones, by when their context was evaluated: the oldest first. */
  readonly #byAge = new Map<UserSession, number>();
  #callOff: (() => void) | null = null;

  constructor({ identify, contextMaxAgeSeconds }: SessionRegistryOptions) {
    this.#identify = identify;
    this.#maxAgeMs = contextMaxAgeSeconds * 1_000;
  }

  /**
   * The session of a request's user. Rejects as `IdentityResolver.byToken` does. Leave it when the
   * request or its connection is over.
   */
  open(token: string | null, request: RequestInfo): Promise<UserSession> {
    return this.#evaluate(
      () => this.#identify.byToken(token, request),
      (identity) => this.#enter(new UserSession(identity, this)),
    );
  }

  /**
   * A newer token for a connection. Rejects as `open` does, and with `TOKEN_INVALID` for one of
   * another user.
   */
  renew(session: UserSession, token: string, request: RequestInfo): Promise<void> {
    return this.#evaluate(
      () => this.#identify.byToken(token, request),
      (identity) => {
        if (!session.isOf(identity))
          throw new RivuletError('TOKEN_INVALID', 'the new token is of another user');
        session.adopt(identity);
      },
    );
  }

  /**
   * Closes all connections of a user; requests under way are refused. Nothing is delivered to them
   * any more when it returns.
   */
  disconnect(subject: string): number {
    const ended = new RivuletError('SESSION_ENDED', 'the session was ended');
    const sessions = this.#concerned(subject);
    let connections = 0;
    for (const session of sessions) {
      if (session.owner !== null) connections++;
      session.close(ended);
    }
    return connections;
  }

  /**
   * Evaluates the context of all connections of a user again; requests under way are refused.
   * Nothing is delivered by the old rights any more when it returns. Resolves when all go on by the
   * rights of now, or were closed.
   */
  async rightsChanged(subject: string): Promise<number> {
    const connections: UserSession[] = [];
    for (const session of this.#concerned(subject)) {
      if (session.owner === null) session.close(rightsChangedError());
      else {
        session.suspend();
        connections.push(session);
      }
    }
    await Promise.all(connections.map((session) => this.#reevaluate(session)));
    return connections.length;
  }

  evaluated(session: UserSession): void {
    if (this.#maxAgeMs === 0 || session.end !== null || session.owner === null) return;
    this.#byAge.delete(session);
    this.#byAge.set(session, Date.now());
    this.#watchAge();
  }

  left(session: UserSession): void {
    this.#byAge.delete(session);
    const { subject } = session.identity;
    if (subject === null) return;
    const sessions = this.#bySubject.get(subject);
    sessions?.delete(session);
    if (sessions?.size === 0) this.#bySubject.delete(subject);
  }

  stop(): void {
    this.#callOff?.();
    this.#callOff = null;
    this.#byAge.clear();
  }

  #enter(session: UserSession): UserSession {
    const { subject } = session.identity;
    if (subject === null) return session;
    const sessions = this.#bySubject.get(subject);
    if (sessions) sessions.add(session);
    else this.#bySubject.set(subject, new Set([session]));
    return session;
  }

  #concerned(subject: string): UserSession[] {
    for (const evaluation of this.#evaluations) {
      evaluation.outdated ??= new Set();
      evaluation.outdated.add(subject);
    }
    return [...(this.#bySubject.get(subject) ?? [])];
  }

  /**
   * `take` is called in the same moment in which it is known that nothing changed since the
   * evaluation began.
   */
  async #evaluate<T>(evaluate: () => Promise<UserIdentity>, take: (identity: UserIdentity) => T): Promise<T> {
    for (;;) {
      const evaluation: Evaluation = { outdated: null };
      this.#evaluations.add(evaluation);
      let identity: UserIdentity;
      try {
        identity = await evaluate();
      } finally {
        this.#evaluations.delete(evaluation);
      }
      if (identity.subject === null || !evaluation.outdated?.has(identity.subject)) return take(identity);
    }
  }

  /** Never rejects: a session whose context cannot be evaluated is closed. */
  #reevaluate(session: UserSession): Promise<void> {
    let running = this.#reevaluations.get(session);
    if (running === undefined) {
      const done = (): void => {
        if (this.#reevaluations.get(session) === running) this.#reevaluations.delete(session);
      };
      const work = async (): Promise<void> => {
        do await this.#evaluateAgain(session, done);
        while (session.isSuspended);
      };
      running = this.#turnstile.pass(() => true, work).finally(done);
      this.#reevaluations.set(session, running);
    }
    return running;
  }

  /**
   * `done` is called in the moment in which the session has its rights: a call after that needs an
   * evaluation of its own.
   */
  async #evaluateAgain(session: UserSession, done: () => void): Promise<void> {
    const { owner } = session;
    if (session.end !== null || owner === null) return;
    let before = session.identity;
    const evaluate = (): Promise<UserIdentity> => {
      before = session.identity;
      return this.#identify.again(before, owner.request);
    };
    /** A newer token came meanwhile: the session has the rights of that. */
    const isOutdone = (): boolean => session.identity !== before;
    try {
      await this.#evaluate(evaluate, (identity) => {
        if (isOutdone()) return;
        done();
        if (identity.subject === before.subject) session.adopt(identity, true);
        else session.close(new RivuletError('SESSION_ENDED', 'the session is of another user now'));
      });
    } catch (error) {
      if (!isOutdone()) session.close(error);
    }
  }

  #watchAge(): void {
    if (this.#callOff !== null) return;
    for (const evaluatedAtMs of this.#byAge.values()) {
      this.#callOff = callAt(evaluatedAtMs + this.#maxAgeMs, () => this.#reevaluateOld());
      return;
    }
  }

  #reevaluateOld(): void {
    this.#callOff = null;
    const now = Date.now();
    for (const [session, evaluatedAtMs] of this.#byAge) {
      if (evaluatedAtMs + this.#maxAgeMs > now) break;
      // It comes back to the end when it was evaluated.
      this.#byAge.delete(session);
      void this.#reevaluate(session);
    }
    this.#watchAge();
  }
}
