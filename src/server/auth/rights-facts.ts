import { isDeepStrictEqual, types } from 'node:util';
import type { UserIdentity } from './identity.js';

/** Values in a context past which it is not compared any further. */
const MAX_VALUES = 1_000;

/**
 * The facts that a session's rights follow from, as they were at one moment: a copy, so that a
 * session object which the application changes in place is not compared with itself.
 */
export class RightsFacts {
  readonly #facts: unknown;
  /** False: part of it is functions, or objects of classes, whose state cannot be seen. */
  readonly #isPlain: boolean;

  private constructor(facts: unknown, isPlain: boolean) {
    this.#facts = facts;
    this.#isPlain = isPlain;
  }

  static of({ claims, user }: Pick<UserIdentity, 'claims' | 'user'>): RightsFacts {
    const copying = new Copying();
    // Without a `context` the claims are the user.
    const facts = copying.copy(
      user === claims && claims !== null ? withoutTimes(claims) : withoutExpiry(user),
    );
    return new RightsFacts(facts, copying.isPlain);
  }

  /**
   * True if nothing that can be compared differs; functions and objects of classes are compared as
   * they are now.
   */
  looksLike(other: RightsFacts): boolean {
    return isDeepStrictEqual(this.#facts, other.#facts);
  }

  /** True only if the rights are certain to be the same. */
  equals(other: RightsFacts): boolean {
    return this.#isPlain && other.#isPlain && this.looksLike(other);
  }
}

/** Claims that differ in every new token. */
function withoutTimes({ iat, exp, nbf, jti, auth_time, ...lasting }: Record<string, unknown>): object {
  return lasting;
}

/** A session that lasts longer has the same rights. */
function withoutExpiry(user: unknown): unknown {
  // Without the members that a copy would lose.
  if (!isPlainObject(user) || !('expiresAt' in user) || !isSeen(user)) return user;
  const { expiresAt, ...lasting } = user;
  return lasting;
}

/** Copies data; takes everything else as it is, and says so. */
class Copying {
  isPlain = true;
  #left = MAX_VALUES;
  readonly #copies = new Map<unknown, unknown>();

  copy(value: unknown): unknown {
    if (typeof value === 'function') return this.#opaque(value);
    if (typeof value !== 'object' || value === null) return value;
    const known = this.#copies.get(value);
    if (known !== undefined) return known;
    if (--this.#left < 0) return this.#opaque(value);
    if (!isSeen(value)) return this.#opaque(value);
    if (types.isDate(value)) return new Date(value.getTime());
    if (types.isMap(value)) return this.#filled(value, ['map'], [...value].flat());
    if (types.isSet(value)) return this.#filled(value, ['set'], [...value]);
    if (Array.isArray(value)) return this.#filled(value, ['array'], value);
    const copy: Record<string, unknown> = Object.create(null);
    this.#copies.set(value, copy);
    for (const [name, inner] of Object.entries(value as object)) copy[name] = this.copy(inner);
    return copy;
  }

  #filled(value: object, copy: unknown[], values: readonly unknown[]): unknown[] {
    this.#copies.set(value, copy);
    for (const each of values) copy.push(this.copy(each));
    return copy;
  }

  #opaque(value: unknown): unknown {
    this.isPlain = false;
    return value;
  }
}

const COPIED_CLASSES: readonly unknown[] = [
  null,
  ...[Object, Array, Map, Set, Date].map(({ prototype }) => prototype),
];

/**
 * True if a copy has the whole state: of no class of its own, without hidden members, and without
 * members that have a symbol as their name.
 */
function isSeen(value: object): boolean {
  if (!COPIED_CLASSES.includes(Object.getPrototypeOf(value))) return false;
  const hidden = Array.isArray(value) ? 1 : 0;
  const all = Reflect.ownKeys(value).length;
  if (all !== Object.keys(value).length + hidden) return false;
  // The others are copied by what is in them, not by their members.
  return isPlainObject(value) || all === (Array.isArray(value) ? value.length + hidden : 0);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
