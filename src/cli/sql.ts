import { resolve } from 'node:path';
import postgres from 'postgres';
import { RivuletError } from '../../shared/errors.js';
import { codedError } from '../database/errors.js';
import { StateFolder } from './dev-state.js';
import { table } from './print.js';

interface SqlResult {
  readonly columns: readonly { readonly name: string }[] | undefined;
  readonly command: string;
  readonly count: number | null;
  readonly rows: readonly (readonly (string | null)[])[];
}

/**
 * Runs the statements as psql would with `-c` (all of them in one transaction) and prints what they
 * answer.
 */
export async function sql(statement: string, options: { readonly config?: string }): Promise<void> {
  const url = await databaseUrl(options.config);
  const client = postgres(url, {
    max: 1,
    onnotice: (notice) => console.error(notice.message),
    connect_timeout: 10,
  });
  try {
    for (const answer of statementResults(await client.unsafe(statement).simple().raw())) print(answer);
  } catch (error) {
    throw explain(error);
  } finally {
    await client.end({ timeout: 5 });
  }
}

async function databaseUrl(config: string | undefined): Promise<string> {
  if (process.env.DATABASE_URL) return process.env.DATABASE_URL;
  const folder = config === undefined ? process.cwd() : resolve(config, '..');
  const running = await new StateFolder(folder).read();
  if (running !== undefined) return running.databaseUrl;
  throw new RivuletError(
    'DEV_NOT_RUNNING',
    `no \`rivulet dev\` runs in ${folder}, and DATABASE_URL is not set`,
  );
}

function print({ columns, command, count, rows }: SqlResult): void {
  if (columns !== undefined && columns.length > 0) {
    console.log(
      table(
        columns.map((column) => column.name),
        rows,
      ),
    );
    console.log(`(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`);
    return;
  }
  console.log(count === null ? command : `${command} ${count}`);
}

/** The driver answers one statement with its rows, and several with a list of such. */
function statementResults(result: unknown): readonly SqlResult[] {
  const isOne =
    typeof result === 'object' && result !== null && 'command' in result && result.command !== undefined;
  return (isOne ? [result] : (result as unknown[])).map((each) => {
    const raw = each as unknown as (Buffer | null)[][] & Pick<SqlResult, 'columns' | 'command' | 'count'>;
    return {
      columns: raw.columns,
      command: raw.command,
      count: raw.count,
      rows: raw.map((row) => row.map((cell) => (cell === null ? null : cell.toString()))),
    };
  });
}

/** Shows an error of Postgres whole, because the statement is the caller's own. */
function explain(error: unknown): unknown {
  if (error instanceof postgres.PostgresError && !/^(?:08|28|3D|53|57)/.test(error.code)) {
    return new RivuletError('SQL_FAILED', `${error.message} (${error.code})`, {}, error);
  }
  return codedError(error) ?? error;
}
