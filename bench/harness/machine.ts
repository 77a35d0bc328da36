import { execFile } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';
import postgres from 'postgres';

/** Where and when figures were measured. */
export interface Machine {
  readonly date: string;
  /** Of the code that was measured; with `+` where files were changed since. */
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly node: string;
  readonly postgres: string;
  /** Processes that wanted a core before the benchmark began: others who share the machine. */
  readonly loadBefore: number;
}

export async function describeMachine(databaseUrl: string): Promise<Machine> {
  const sql = postgres(databaseUrl, { max: 1 });
  const [row] = await sql`show server_version`;
  await sql.end();
  return {
    date: new Date().toISOString(),
    commit: await commit(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    postgres: String(row?.server_version),
    loadBefore: loadavg()[0]!,
  };
}

function commit(): Promise<string> {
  return new Promise((resolve) => {
    const args = ['describe', '--always', '--dirty=+', '--exclude=*'];
    execFile('git', args, (error, stdout) => resolve(error ? 'unknown' : stdout.trim()));
  });
}
