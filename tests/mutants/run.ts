import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startEmbedded } from '../../src/database/embedded.js';
import { type Mutant, mutants } from './mutants.js';
import { makeScratch } from './scratch.js';
import { runTests } from './vitest-run.js';

/**
 * A check that the tests find bugs: puts one plausible bug after the other into a copy of the sources and runs the test that must fail.
 * Exits with 1 if a bug survives, or if a test fails without any bug.
 *
 *     npm run mutants -- [--only <part of a bug's text>] [--missing] [--write]
 *
 * `--write` writes the table to docs/mutants.md after each bug and keeps the lines of bugs that were not chosen. `--missing` chooses only bugs
 * without a line.
 */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = join(ROOT, 'docs/mutants.md');
const { values } = parseArgs({
  options: { only: { type: 'string' }, missing: { type: 'boolean' }, write: { type: 'boolean' } },
});
/** Lines of the table, by bug. */
const lines = await writtenLines();
const chosen = mutants.filter(
  ({ bug }) =>
    (values.only === undefined || bug.includes(values.only)) && !(values.missing && lines.has(bug)),
);

const scratch = await makeScratch(ROOT);
// Fails early if the text of a bug no longer occurs in the code.
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

const healthy = new Map<string, boolean>();
let problems = 0;
try {
  for (const mutant of chosen) {
    const caught = (await isHealthy(mutant)) ? await tryOut(mutant) : 'FAILS WITHOUT THE BUG';
    const files = [...new Set(mutant.edits.map(({ file }) => file))].join(', ');
    lines.set(mutant.bug, `| ${[mutant.bug, files, caught].map(cell).join(' | ')} |`);
    console.log(`${mutant.bug}\n    ${mutant.test}: ${caught}`);
    if (values.write) await writeFile(PAGE, page());
  }
} finally {
  await stop();
}
console.log(`${chosen.length - problems} of ${chosen.length} caught`);
process.exitCode = problems > 0 ? 1 : 0;

/** True if the test passes without a bug; runs once for each test. */
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

/** The name of the test that failed, or `SURVIVED`. */
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

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

async function writtenLines(): Promise<Map<string, string>> {
  const text = await readFile(PAGE, 'utf8').catch(() => '');
  const written = text.split('\n').filter((line) => line.startsWith('| '));
  const found = mutants.map(({ bug }) => [bug, written.find((line) => line.startsWith(`| ${cell(bug)} |`))]);
  return new Map(found.filter((each): each is [string, string] => each[1] !== undefined));
}

function page(): string {
  const known = mutants.flatMap(({ bug }) => lines.get(bug) ?? []);
  return `# Do the tests find bugs?

\`npm run mutants -- --write\` writes this page. It puts each bug alone into a copy of the sources; the test in the last column then failed. Run it again when
you change the tests or the code that they cover. A text to replace that no longer occurs in its file counts as an error, not as a pass.

| bug | where | caught by |
| --- | --- | --- |
${known.join('\n')}
`;
}
