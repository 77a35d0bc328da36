import { mkdir, rm, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { startEmbedded } from '../src/database/embedded.js';
import { Bench } from './harness/bench.js';
import { describeMachine } from './harness/machine.js';
import { Resources } from './harness/resources.js';
import type { Row, Scenario } from './harness/scenario.js';
import { tableOf } from './harness/table.js';
import { writeReport } from './report/report.js';
import { burst } from './scenarios/burst.js';
import { capture } from './scenarios/capture.js';
import { client } from './scenarios/client.js';
import { fanOut } from './scenarios/fan-out.js';
import { latency } from './scenarios/latency.js';
import { matching } from './scenarios/matching.js';
import { policies } from './scenarios/policies.js';
import { queries } from './scenarios/queries.js';
import { selective } from './scenarios/selective.js';
import { slowReaders } from './scenarios/slow-readers.js';
import { storm } from './scenarios/storm.js';
import { sustained } from './scenarios/sustained.js';

const SCENARIOS: readonly Scenario[] = [
  fanOut,
  burst,
  selective,
  matching,
  policies,
  capture,
  latency,
  sustained,
  queries,
  client,
  storm,
  slowReaders,
];
const IDS = SCENARIOS.map(({ id }) => id);

const USAGE = `npm run bench [scenario]… [-- options]

Scenarios (default: all):
${SCENARIOS.map(({ id, title }) => `  ${id.padEnd(4)} ${title}`).join('\n')}

Options:
  --runs <n>   runs per subject; results of fewer than 3 are not saved (default 3)
  --profile    also profiles Rivulet's process: .rivulet/profile-<scenario>.json
  --report     measures nothing: regenerates the charts and the page from the saved results
`;

/** Results of fewer runs are for trials and are not saved. */
const LEAST_RUNS = 3;
const FOLDER = '.rivulet/bench';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '3' },
    profile: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const runs = Number(values.runs);
const named = positionals.map((id) => id.toUpperCase());
const chosen = named.length === 0 ? SCENARIOS : SCENARIOS.filter(({ id }) => named.includes(id));
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
if (named.some((id) => !IDS.includes(id)) || !Number.isInteger(runs) || runs < 1) {
  console.error(USAGE);
  process.exit(2);
}
if (values.report) {
  await writeReport(IDS);
  process.exit(0);
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
    void open.close().finally(() => process.exit(code));
  });
}

let failed = false;
try {
  const settings = ['max_connections=100', 'shared_buffers=256MB', 'max_wal_size=4GB'];
  const starting = startEmbedded({ folder: FOLDER, settings });
  // Stops the database even if the signal arrives before it has started.
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
  // An interrupted run fails in many ways.
  if (interrupted === undefined) console.error(error);
  failed = true;
} finally {
  await open.close();
}
process.exit(interrupted ?? (failed ? 1 : 0));

async function run(scenario: Scenario, serverUrl: string): Promise<boolean> {
  const machine = await describeMachine(serverUrl);
  const profiles: Record<string, readonly unknown[]> = {};
  const onProfile = (name: string, functions: readonly unknown[]): void => {
    profiles[name] = functions;
  };
  const bench = new Bench({ serverUrl, runs, profile: values.profile, open, onProfile });
  await bench.setDurable(scenario.durable);
  const rows = await scenario.run(bench);
  console.log(`\n${scenario.id}. ${scenario.title}\n\n${tableOf(scenario, rows)}\n`);
  if (values.profile) await save(`.rivulet/profile-${scenario.id}.json`, profiles);
  const { id, title, metrics, durable } = scenario;
  if (runs >= LEAST_RUNS) {
    await save(`bench/results/${id}.json`, { id, title, machine, runs, durable, metrics, rows });
    await writeReport(IDS);
  }
  return rows.every(isClean);
}

function isClean({ gate }: Row): boolean {
  return gate.lost + gate.double + gate.forbidden === 0;
}

async function save(file: string, content: object): Promise<void> {
  await mkdir(file.slice(0, file.lastIndexOf('/')), { recursive: true });
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`);
  console.log(`wrote ${file}`);
}
