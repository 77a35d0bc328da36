import { RivuletError } from '../../../shared/errors.js';
import type { UserSession } from '../auth/session.js';
import type { LimitsByContext, OperationLimits, ServerLimits } from '../engine/config.js';
import { isRecord } from '../engine/is-record.js';

/** The names of the limits of an operation. */
const NAMES: Readonly<Record<keyof OperationLimits, true>> = {
  documentCharacters: true,
  tokens: true,
  depth: true,
  aliases: true,
  fields: true,
  rootFields: true,
  fragments: true,
  spreads: true,
  directives: true,
  variables: true,
  variableDepth: true,
  errors: true,
  defaultRows: true,
  maxRows: true,
  maxOffset: true,
  maxDepth: true,
  maxRelations: true,
  maxPossibleRows: true,
  maxTotalRows: true,
  maxWrites: true,
};

/**
 * The limits of each operation: constants, or what a function of the configuration makes of the
 * context.
 */
export class OperationLimiter {
  readonly constants: ServerLimits;
  readonly #byContext: LimitsByContext | null;
  readonly #onFault: (error: unknown) => void;

  constructor(constants: ServerLimits, byContext: LimitsByContext | null, onFault: (error: unknown) => void) {
    this.constants = constants;
    this.#byContext = byContext;
    this.#onFault = onFault;
  }

  /** True if the limits are constants. */
  get isConstant(): boolean {
    return this.#byContext === null;
  }

  /** `null` if the limits are constants. Rejects with `LIMITS_FAILED`, or as `session` does. */
  async of(session: () => Promise<UserSession>): Promise<OperationLimits | null> {
    if (this.#byContext === null) return null;
    const { user } = (await session()).identity;
    try {
      return { ...this.constants, ...checked(this.#byContext(user)) };
    } catch (error) {
      this.#onFault(error);
      throw new RivuletError('LIMITS_FAILED', 'the limits of this operation are not known', {}, error);
    }
  }
}

/** Throws on anything but limits of operations. */
function checked(limits: unknown): Partial<OperationLimits> {
  if (!isRecord(limits)) throw new TypeError('`limits` must return an object, at once');
  const known = Object.entries(limits).filter(([, value]) => value !== undefined);
  for (const [name, value] of known) {
    if (!Object.hasOwn(NAMES, name)) throw new TypeError(`\`limits.${name}\` is no limit of an operation`);
    if (!Number.isSafeInteger(value) || (value as number) < 1) {
      throw new TypeError(`\`limits.${name}\` must be a whole number from 1, not ${String(value)}`);
    }
  }
  return Object.fromEntries(known) as Partial<OperationLimits>;
}
