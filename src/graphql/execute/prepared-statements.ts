import { type RecordingRights, type RightsChecks, rightsFingerprint } from '../../policy/recording-rights.js';
import type { AccessRights } from '../../policy/types.js';
import { ByteCache } from './byte-cache.js';
import type { BatchStatement } from './request-reader.js';

/** Estimated bytes of all cached statements and their keys. The least recently used are dropped. */
const MAX_BYTES = 8 * 1024 ** 2;
/** Characters of a statement and its key. Longer ones are planned each time. */
const MAX_LENGTH = 20_000;
/** Bytes of an entry besides its texts: the maps and objects around them. */
const ENTRY_BYTES = 1_000;

/** The statement of a whole response. */
export interface PreparedStatement {
  readonly made: BatchStatement;
  /** Root fields, each of which is one of its values. */
  readonly count: number;
}

/** The rights and variables that an operation's first statement was planned with. */
interface PlannedStatement {
  readonly number: number;
  readonly questions: RightsChecks;
}

/**
 * Caches the statements of operations, which live as long as their document. A statement is found
 * again for the same variables and for rights that give the same answers as when it was planned:
 * planning depends on nothing else, so it would produce it again. Policies are therefore evaluated
 * each time.
 */
export class PreparedStatements {
  readonly #known = new WeakMap<object, PlannedStatement>();
  readonly #entries = new ByteCache<PreparedStatement>(MAX_BYTES);
  #operations = 0;

  find(operation: object, variables: object, rights: AccessRights): PreparedStatement | undefined {
    const known = this.#known.get(operation);
    const key = known && keyOf(known, variables, rights);
    return key === undefined ? undefined : this.#entries.get(key);
  }

  /** `asked`: the rights that the statement was planned with. */
  keep(operation: object, variables: object, asked: RecordingRights, prepared: PreparedStatement): void {
    let known = this.#known.get(operation);
    if (!known) {
      known = { number: this.#operations++, questions: asked.questions };
      this.#known.set(operation, known);
    }
    // Other variables may need the rights of other tables.
    for (const question of asked.questions.keys()) if (!known.questions.has(question)) return;
    const key = keyOf(known, variables, asked);
    if (key === undefined || key.length + prepared.made.statement.text.length > MAX_LENGTH) return;
    // The parameters hold the variables, and the rights' values, once more.
    const bytes = 3 * key.length + prepared.made.statement.text.length + ENTRY_BYTES;
    this.#entries.set(key, prepared, bytes);
  }
}

function keyOf(
  { number, questions }: PlannedStatement,
  variables: object,
  rights: AccessRights,
): string | undefined {
  try {
    return `${number} ${JSON.stringify(variables, infinityAsText)}\n${rightsFingerprint(questions, rights)}`;
  } catch {
    // Infinities, and whole numbers of a default value.
    return undefined;
  }
}

/** JSON would write infinities, which numbers such as 1e400 are read as, like `null`. */
function infinityAsText(_name: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError('not told from null');
  return value;
}
