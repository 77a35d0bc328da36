import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

export type Verdict =
  | { readonly kind: 'passed' }
  /** `test`: the first that failed, or why there is none. */
  | { readonly kind: 'failed'; readonly test: string };

/** A run that takes longer hangs, which is as good as a failure. */
const MOST_MS = 180_000;

interface Report {
  readonly success: boolean;
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** Runs tests in a folder, until one fails. */
export async function runTests(
  folder: string,
  filters: readonly string[],
  options: { readonly only?: string | undefined; readonly databaseUrl: string },
): Promise<Verdict> {
  const reportFile = join(folder, 'mutant-report.json');
  await rm(reportFile, { force: true });
  const args = ['run', ...filters, '--maxWorkers=1', '--bail=1', '--retry=0'];
  args.push('--reporter=json', `--outputFile=${reportFile}`, ...(options.only ? ['-t', options.only] : []));
  const isOver = await new Promise<boolean>((resolve) => {
    const child = spawn(process.execPath, [join(folder, 'node_modules/vitest/vitest.mjs'), ...args], {
      cwd: folder,
      // The same histories each time.
      env: { RIVULET_SEED: '20261123', ...process.env, DATABASE_URL: options.databaseUrl },
      stdio: 'ignore',
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), MOST_MS);
    child.on('close', (_, signal) => {
      clearTimeout(timer);
      resolve(signal === null);
    });
  });
  if (!isOver) return { kind: 'failed', test: `hangs for ${MOST_MS / 1_000} s` };
  const report = JSON.parse(await readFile(reportFile, 'utf8')) as Report;
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = results.find(({ status }) => status === 'failed');
  if (failed) return { kind: 'failed', test: failed.fullName.trim() };
  if (!report.success) {
    const message = report.testResults.map((each) => each.message).find((text) => text !== '');
    return { kind: 'failed', test: (message ?? 'an error outside of a test').split('\n')[0]! };
  }
  if (!results.some(({ status }) => status === 'passed')) {
    throw new Error(`no test runs: ${filters.join(' ')} ${options.only ?? ''}`);
  }
  return { kind: 'passed' };
}
