import { RivuletError } from '../../../shared/errors.js';
import type { ModelTable } from '../../../shared/model/types.js';
import { codeOf, SQLSTATE } from '../../database/errors.js';
import type { AccessRights } from '../../policy/types.js';
import {
  type ReferenceCheck,
  refusalOf,
  type WriteCheck,
  type WriteRefusal,
} from '../../query/write-check.js';

/** SQLSTATE's class of violated constraints. */
const CONSTRAINT_CLASS = '23';

/** Turns the error of a writing statement into the refusal that its writer gets in its place. */
export class WriteErrorTranslation {
  readonly #rights: AccessRights;
  readonly #table: ModelTable;
  readonly #done: string;
  readonly #check: WriteCheck;
  readonly #explain: () => Promise<WriteRefusal | undefined>;

  /**
   * `explain` evaluates the check after a constraint was violated, outside of the failed
   * transaction.
   */
  constructor(
    rights: AccessRights,
    table: ModelTable,
    done: string,
    check: WriteCheck,
    explain: () => Promise<WriteRefusal | undefined>,
  ) {
    this.#rights = rights;
    this.#table = table;
    this.#done = done;
    this.#check = check;
    this.#explain = explain;
  }

  /** The refusal, if it was one; else the error as its writer may see it. */
  async of(error: unknown): Promise<unknown> {
    return (await this.#refusal(error)) ?? missingValue(this.#rights, this.#table, error) ?? error;
  }

  async #refusal(error: unknown): Promise<RivuletError | undefined> {
    const refusal = refusalOf(error);
    if (refusal !== undefined) return this.#errorOf(refusal);
    if (!this.#isUnexplained(error)) return undefined;
    try {
      const explained = await this.#explain();
      return explained === undefined ? undefined : this.#errorOf(explained);
    } catch (failure) {
      // A value that cannot be cast fails here as it did there, and reveals nothing of any row.
      return codeOf(failure) === codeOf(error) ? undefined : this.#errorOf('policy');
    }
  }

  /**
   * True for a violated constraint, except for the table's own foreign keys: Postgres checks these
   * after the policy was satisfied.
   */
  #isUnexplained(error: unknown): boolean {
    const code = codeOf(error);
    if (code !== SQLSTATE.foreignKeyViolation) return code?.startsWith(CONSTRAINT_CLASS) === true;
    const { schema_name: schema, table_name: name } = error as { schema_name?: string; table_name?: string };
    return schema !== this.#table.sqlSchema || name !== this.#table.sqlName;
  }

  #errorOf(refusal: WriteRefusal): RivuletError {
    const reference = refusal === 'policy' ? undefined : this.#check.references[refusal];
    return reference === undefined
      ? writeForbidden(this.#table, this.#done)
      : unavailable(this.#table, reference);
  }
}

/** Names the column that was left empty, if its writer may know of it. */
function missingValue(rights: AccessRights, table: ModelTable, error: unknown): RivuletError | undefined {
  if (codeOf(error) !== SQLSTATE.notNullViolation) return undefined;
  const { table_name: name, column_name: sqlName } = error as { table_name?: string; column_name?: string };
  const column = table.columns.find((each) => each.sqlName === sqlName);
  if (name !== table.sqlName || !column || !rights.canReadColumn(table, column)) return undefined;
  const details = { sqlState: SQLSTATE.notNullViolation, field: column.field };
  return new RivuletError('CONSTRAINT_NOT_NULL', `A value is missing (${column.field}).`, details, error);
}

/** The same error for a hidden parent and for a missing one. */
function unavailable({ typeName }: ModelTable, { sent }: ReferenceCheck): RivuletError {
  const fields = sent.map(({ field }) => field);
  const message = `A ${typeName} refers to no row that you may read (${fields.join(', ')}).`;
  return new RivuletError('CONSTRAINT_FOREIGN_KEY', message, { type: typeName, fields });
}

export function writeForbidden({ typeName }: ModelTable, done: string): RivuletError {
  return new RivuletError('WRITE_FORBIDDEN', `A row of ${typeName} may not be ${done} like this`, {
    type: typeName,
  });
}
