import { RivuletError } from '../../../shared/errors.js';
import type { RequestInfo } from '../engine/config.js';
import { callAt } from './expiry-timer.js';
import { sessionExpired, type UserIdentity } from './identity.js';
import { RightsFacts } from './rights-facts.js';

/** The long connection that a session belongs to. */
export interface SessionOwner {
  /** The request that began it, for `context`. */
  readonly request: RequestInfo;
  /** The rights are others: what was begun by the rights before must not go on. */
  rightsChanged?(): void;
  /** Delivery goes on after it was suspended. Called after `rightsChanged`. */
  resumed?(): void;
  /** The session is over, by its expiry or by the application. Called once. */
  ended(error: unknown): void;
}

/** The list of open sessions that a session is in. */
export interface SessionList {
  /** It has become a long one, or its rights were found out anew. */
  evaluated(session: UserSession): void;
  left(session: UserSession): void;
}

/**
 * The user of a request, or of a long connection.
 *
 * A request has the rights that it came with; when the application says that they changed, the
 * request fails instead of answering by old rights. A connection takes new rights: from a newer
 * token of the same user, or from `context` when it is evaluated again. While that is under way the
 * session is suspended, and nothing may be delivered.
 */
export class UserSession {
  readonly #list: SessionList;
  #identity: UserIdentity;
  #owner: SessionOwner | null = null;
  #standing: RightsFacts | null = null;
  #rights = 0;
  #callOff: (() => void) | null = null;
  #end: { readonly error: unknown } | null = null;
  #suspension: { readonly over: Promise<void>; readonly resume: () => void } | null = null;

  constructor(identity: UserIdentity, list: SessionList) {
    this.#identity = identity;
    this.#list = list;
  }

  get identity(): UserIdentity {
    return this.#identity;
  }

  /** Another number each time that the rights may have become others. */
  get rights(): number {
    return this.#rights;
  }

  /** The connection that it belongs to; `null` for a request. */
  get owner(): SessionOwner | null {
    return this.#owner;
  }

  get isSuspended(): boolean {
    return this.#suspension !== null;
  }

  /**
   * The end of the session; `null` while it goes on. `error` is `null` if its connection closed.
   */
  get end(): { readonly error: unknown } | null {
    return this.#end;
  }

  /** Makes it the session of a long connection. Throws what ended it meanwhile. */
  hold(owner: SessionOwner): void {
    this.assertOpen();
    this.#owner = owner;
    this.#standing = RightsFacts.of(this.#identity);
    this.#arm();
    this.#list.evaluated(this);
  }

  /** Throws what ended it. */
  assertOpen(): void {
    if (this.#end !== null)
      throw this.#end.error ?? new RivuletError('SESSION_ENDED', 'the connection is gone');
  }

  /**
   * Throws if what was begun by the rights of that number must not be answered any more, also while
   * that is being found out.
   */
  assertRights(rights: number): void {
    this.assertOpen();
    if (rights !== this.#rights || this.isSuspended) throw rightsChangedError();
  }

  /** Resolves when it is not suspended any more. */
  settled(): Promise<void> {
    return this.#suspension?.over ?? Promise.resolve();
  }

  /** As `assertRights`, but waits while that is being found out. */
  rightsHold(rights: number): Promise<void> | undefined {
    if (this.isSuspended) return this.settled().then(() => this.rightsHold(rights));
    this.assertRights(rights);
    return undefined;
  }

  /** From now on nothing may be delivered, until `adopt` or `close`. */
  suspend(): void {
    if (this.#suspension !== null || this.#end !== null) return;
    let resume = (): void => {};
    const over = new Promise<void>((resolve) => {
      resume = resolve;
    });
    this.#suspension = { over, resume };
  }

  /**
   * Takes `next`, of the same user, in place of the identity that was known before. If rights
   * follow from something that is not the same any more, the owner begins anew. `isCertain`, and
   * while it is suspended: what cannot be compared counts as changed.
   */
  adopt(next: UserIdentity, isCertain = this.isSuspended): void {
    if (this.#end !== null) return;
    const standing = RightsFacts.of(next);
    const before = this.#standing ?? RightsFacts.of(this.#identity);
    this.#identity = next;
    this.#standing = standing;
    this.#arm();
    this.#list.evaluated(this);
    const isSame = isCertain ? standing.equals(before) : standing.looksLike(before);
    if (!isSame) {
      this.#rights++;
      this.#owner?.rightsChanged?.();
    }
    this.#resume();
  }

  /** True for an identity of the same user. */
  isOf(identity: UserIdentity): boolean {
    const { subject } = this.#identity;
    if (identity.subject !== null || subject !== null) return identity.subject === subject;
    // Nobody by name: cookies may still tell who it is.
    return this.hasRightsOf(identity);
  }

  /** True if what rights follow from looks the same for both. */
  hasRightsOf(identity: UserIdentity): boolean {
    return RightsFacts.of(identity).looksLike(this.#standing ?? RightsFacts.of(this.#identity));
  }

  /** Ends it for a reason that its owner has to say. */
  close(error: unknown): void {
    if (this.#end !== null) return;
    this.#end = { error };
    this.#leave();
    this.#owner?.ended(error);
  }

  /** Its connection or request is over. */
  leave(): void {
    if (this.#end !== null) return;
    this.#end = { error: null };
    this.#leave();
  }

  #leave(): void {
    this.#callOff?.();
    this.#callOff = null;
    this.#list.left(this);
    this.#suspension?.resume();
    this.#suspension = null;
  }

  #resume(): void {
    if (this.#suspension === null) return;
    this.#suspension.resume();
    this.#suspension = null;
    this.#owner?.resumed?.();
  }

  #arm(): void {
    this.#callOff?.();
    this.#callOff = null;
    const { expiresAtMs, expires } = this.#identity;
    if (expiresAtMs === null || this.#owner === null) return;
    this.#callOff = callAt(expiresAtMs, () =>
      this.close(expires === 'token' ? tokenExpired() : sessionExpired()),
    );
  }
}

/** The application said so, and whatever was under way cannot be known to be allowed still. */
export function rightsChangedError(): RivuletError {
  return new RivuletError('SESSION_CHANGED', 'the rights of this user changed meanwhile');
}

function tokenExpired(): RivuletError {
  return new RivuletError('TOKEN_EXPIRED', 'the token has expired');
}
