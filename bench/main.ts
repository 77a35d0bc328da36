import { mkdir, rm, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import postgres from 'postgres';
import { startEmbedded } from '../src/database/embedded.js';
import { Bench } from './harness/bench.js';
import { describeMachine } from './harness/machine.js';
import { Resources } from './harness/resources.js';
import type { Row, Scenario } from './harness/scenario.js';
import { tableOf } from './harness/table.js';
import { capture } from './scenarios/capture.js';
import { fanOut } from './scenarios/fan-out.js';
import { latency } from './scenarios/latency.js';
import { selective } from './scenarios/selective.js';

const SCENARIOS: readonly Scenario[] = [latency, fanOut, selective, capture];

/** Fewer runs are for trying things out, and are not written down. */
const LEAST_RUNS = 3;
const FOLDER = '.rivulet/bench';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '3' }, profile: { type: 'boolean', default: false } },
});
const runs = Number(values.runs);
const chosen =
  positionals.length === 0 ? SCENARIOS : SCENARIOS.filter(({ id }) => positionals.includes(id.toUpperCase()));
if (chosen.length === 0 || !Number.isInteger(runs) || runs < 1) {
  console.error(`npm run bench -- [${SCENARIOS.map(({ id }) => id).join('|')}]… [--runs 3] [--profile]`);
  process.exit(2);
}

const open = new Resources();
let interrupted: number | undefined;
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    console.error('\nstopping');
    interrupted = code;
    open.close().finally(() => process.exit(code));
  });
}

let failed = false;
try {
  const settings = ['max_connections=100', 'shared_buffers=256MB', 'max_wal_size=4GB'];
  const starting = startEmbedded({ folder: FOLDER, settings });
  // Also where it is told to stop before it has started.
  open.add(starting, () =>
    starting.then(
      async (each) => {
        await each.stop();
        await rm(FOLDER, { recursive: true, force: true });
      },
      () => {},
    ),
  );
  const database = await starting;
  for (const scenario of chosen) {
    const isWhole = await run(scenario, database.url).catch((error: unknown) => {
      if (interrupted === undefined) console.error(`${scenario.id} failed:`, error);
      return false;
    });
    failed ||= !isWhole;
    if (interrupted !== undefined) break;
  }
} catch (error) {
  // What was cut short fails in many ways.
  if (interrupted === undefined) console.error(error);
  failed = true;
} finally {
  await open.close();
}
process.exit(interrupted ?? (failed ? 1 : 0));

async function run(scenario: Scenario, serverUrl: string): Promise<boolean> {
  const machine = await describeMachine(serverUrl);
  await setDurable(serverUrl, scenario.durable);
  const profiles: Record<string, readonly unknown[]> = {};
  const onProfile = (name: string, functions: readonly unknown[]): void => {
    profiles[name] = functions;
  };
  const bench = new Bench({ serverUrl, runs, profile: values.profile, open, onProfile });
  const rows = await scenario.run(bench);
  console.log(`\n${scenario.id}. ${scenario.title}\n\n${tableOf(scenario, rows)}\n`);
  if (values.profile) await save(`.rivulet/profile-${scenario.id}.json`, profiles);
  const { id, title, metrics, durable } = scenario;
  if (runs >= LEAST_RUNS)
    await save(`bench/results/${id}.json`, { id, title, machine, runs, durable, metrics, rows });
  return rows.every(isClean);
}

/** Waiting for the disk says nothing of a server that delivers; of what writers pay it is a part. */
async function setDurable(serverUrl: string, durable: boolean): Promise<void> {
  const sql = postgres(serverUrl, { max: 1 });
  await sql.unsafe(`alter system set fsync = ${durable ? 'on' : 'off'}`);
  await sql`select pg_reload_conf()`;
  await sql.end();
}

function isClean({ gate }: Row): boolean {
  return gate.lost + gate.double + gate.forbidden === 0;
}

async function save(file: string, content: object): Promise<void> {
  await mkdir(file.slice(0, file.lastIndexOf('/')), { recursive: true });
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`);
  console.log(`written to ${file}`);
}
