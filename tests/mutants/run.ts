import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startEmbedded } from '../../src/database/embedded.js';
import { type Mutant, mutants } from './mutants.js';
import { makeScratch } from './scratch.js';
import { runTests } from './vitest-run.js';

/**
 * Do the tests bite? Puts one plausible bug after the other into a copy of the sources and runs the test that must fail. Exits with 1 where
 * a bug survives, or where a test fails without any bug.
 *
 *     npm run mutants -- [--only <part of a bug's text>] [--write]
 *
 * `--write` writes the table to docs/mutants.md.
 */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({ options: { only: { type: 'string' }, write: { type: 'boolean' } } });
const chosen = mutants.filter(({ bug }) => values.only === undefined || bug.includes(values.only));

const scratch = await makeScratch(ROOT);
// Before anything takes long: is every bug still one of this code?
for (const { edits } of chosen) await (await scratch.apply(edits))();
const cluster = await startEmbedded({
  folder: await mkdtemp(join(tmpdir(), 'rivulet-mutants-db-')),
  persistent: false,
  settings: ['max_connections=300', 'shared_buffers=64MB', 'max_prepared_transactions=10', 'jit=off'],
});
const url = new URL(cluster.url);
url.pathname = '/postgres';
const databaseUrl = url.href;
const stop = async (): Promise<void> => {
  await scratch.remove();
  await cluster.stop();
};
process.once('SIGINT', () => void stop().finally(() => process.exit(130)));

const rows: string[][] = [];
const healthy = new Map<string, boolean>();
let problems = 0;
try {
  for (const mutant of chosen) {
    const caught = (await isHealthy(mutant)) ? await tryOut(mutant) : 'FAILS WITHOUT THE BUG';
    rows.push([
      mutant.bug,
      [...new Set(mutant.edits.map(({ file }) => file))].join(', '),
      mutant.test,
      caught,
    ]);
    console.log(`${mutant.bug}\n    ${mutant.test}: ${caught}`);
  }
} finally {
  await stop();
}
console.log(`${chosen.length - problems} of ${chosen.length} caught`);
if (values.write) await writeFile(join(ROOT, 'docs/mutants.md'), page());
process.exitCode = problems > 0 ? 1 : 0;

/** The test passes where nothing is broken: asked once for each. */
async function isHealthy({ test, only }: Mutant): Promise<boolean> {
  const key = `${test} ${only ?? ''}`;
  const known = healthy.get(key);
  if (known !== undefined) return known;
  const verdict = await runTests(scratch.folder, [test], { only, databaseUrl });
  const passes = verdict.kind === 'passed';
  if (verdict.kind === 'failed') console.log(`without any bug: ${verdict.test}`);
  if (!passes) problems++;
  healthy.set(key, passes);
  return passes;
}

/** The name of the test that caught it. */
async function tryOut({ edits, test, only }: Mutant): Promise<string> {
  const undo = await scratch.apply(edits);
  try {
    const verdict = await runTests(scratch.folder, [test], { only, databaseUrl });
    if (verdict.kind === 'failed') return verdict.test;
    problems++;
    return 'SURVIVED';
  } finally {
    await undo();
  }
}

function page(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|');
  const lines = rows.map(
    ([bug, files, , caught]) => `| ${[bug, files, caught].map((text) => cell(text!)).join(' | ')} |`,
  );
  return `# Do the tests bite?

Made by \`npm run mutants -- --write\`: each bug was put into a copy of the sources, alone, and the test named beside it failed. Run it again after a change of
what is tested; a text that is not found any more is an error, not a pass.

| bug | where | caught by |
| --- | --- | --- |
${lines.join('\n')}
`;
}
