import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../src/database/connect.js';
import { applicationSql, type Size } from '../support/faults/application.js';
import { type Cluster, startCluster } from '../support/faults/cluster.js';
import { createRandom, type Random } from '../support/faults/random.js';
import { Stand } from '../support/faults/stand.js';
import { Figures, summary } from './figures.js';
import type { Injection } from './injections.js';
import type { SoakOptions } from './options.js';
import { planSubscribers } from './plans.js';
import { type Planned, planRound } from './schedule.js';

const SIZE: Size = { users: 5, projects: 3, tasksPerProject: 10 };
const PROGRESS_EVERY_MS = 5_000;
const SETTLES_WITHIN_MS = 180_000;

/**
 * For whom these are explicit, counted, and unavoidable: who follows a table that was emptied, and who reads more slowly than is written. Any
 * other reset is a finding.
 */
const ALLOWED_RESETS = ['TRUNCATED', 'OVERFLOW'];

export interface SoakResult {
  readonly figures: Figures;
  readonly summary: string;
}

/** Runs until the time is over or something is wrong, and ends everything that it started. `print` is handed lines. */
export async function soak(options: SoakOptions, print: (line: string) => void): Promise<SoakResult> {
  const random = createRandom(options.seed);
  const figures = new Figures();
  print(`seed ${options.seed}`);
  const cluster = await startCluster({ settings: ['max_connections=300'] });
  let stand: Stand | undefined;
  try {
    const setup = connect(cluster.url, { max: 1 });
    await setup.script(applicationSql(SIZE)).finally(() => setup.close());
    stand = await Stand.make({ databaseUrl: cluster.url, size: SIZE, nodes: options.nodes });
    await new Soak(options, { cluster, stand, random, figures, print }).run();
    const { reconnects, resets } = stand;
    return { figures, summary: summary(figures, { seed: options.seed, reconnects, resets }) };
  } finally {
    cluster.thaw();
    await stand?.close();
    await cluster.stop();
  }
}

interface Parts {
  readonly cluster: Cluster;
  readonly stand: Stand;
  readonly random: Random;
  readonly figures: Figures;
  readonly print: (line: string) => void;
}

class Soak {
  readonly #options: SoakOptions;
  readonly #parts: Parts;
  readonly #running = new Map<Injection['part'], { readonly name: string; readonly done: Promise<void> }>();

  constructor(options: SoakOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { stand, random, figures } = this.#parts;
    const { minutes, roundSeconds, faultEverySeconds, faults, subscribers } = this.#options;
    const homes = random.fork();
    const url = (): string => homes.pick(stand.nodes).url;
    // A link may be dead and say nothing. Event streams are pinged every 12 seconds.
    const idleMs = 20_000;
    for (const plan of planSubscribers(subscribers, SIZE, random.fork())) {
      await stand.subscribe(plan, { url, idleMs });
    }
    const schedule = random.fork();
    const until = performance.now() + minutes * 60_000;
    while (performance.now() < until && figures.isGood) {
      const roundMs = Math.min(roundSeconds * 1_000, Math.max(5_000, until - performance.now()));
      const planned = planRound({
        random: schedule,
        roundMs,
        faultEveryMs: faultEverySeconds * 1_000,
        faults,
      });
      await this.#round(planned, roundMs);
    }
  }

  async #round(planned: readonly Planned[], roundMs: number): Promise<void> {
    const { stand, random, figures, print } = this.#parts;
    const { writers, paceMs } = this.#options;
    stand.write({ writers, paceMs, random: random.fork() });
    stand.write({
      writers: Math.ceil(writers / 2),
      paceMs: paceMs / 3,
      random: random.fork(),
      only: 'users',
    });
    const began = performance.now();
    const progress = setInterval(() => print(this.#progress()), PROGRESS_EVERY_MS);
    try {
      for (const each of planned) {
        await delay(Math.max(0, began + each.atMs - performance.now()));
        this.#inject(each);
      }
      await delay(Math.max(0, began + roundMs - performance.now()));
      await Promise.all([...this.#running.values()].map(({ done }) => done));
      const settled = await stand.settle({ allowedResets: ALLOWED_RESETS, withinMs: SETTLES_WITHIN_MS });
      figures.add(settled);
      print(
        `round ${figures.rounds}: ${settled.commits} commits, ${settled.messages} deliveries, ${settled.findings.length} findings`,
      );
    } catch (error) {
      const { message, cause } = error as Error;
      figures.wrong.lost++;
      figures.findings.push(`${message}${cause === undefined ? '' : `: ${String(cause)}`}`);
    } finally {
      clearInterval(progress);
    }
  }

  /** Leaves the fault out where another is at the same part. */
  #inject({ injection, random }: Planned): void {
    const { stand, cluster, figures, print } = this.#parts;
    const { name, part } = injection;
    if (this.#running.has(part)) return;
    figures.count(figures.injections, name);
    const done = injection
      .inject({ stand, cluster, size: SIZE, random })
      .catch((error: Error) => {
        // What another fault keeps from being injected is no fault of the server.
        if (isOfTheDatabase(error)) return;
        figures.count(figures.failedInjections, `${name} (${error.message})`);
        print(`${name} failed: ${error.stack}`);
      })
      .finally(() => this.#running.delete(part));
    this.#running.set(part, { name, done });
  }

  #progress(): string {
    const { stand, figures } = this.#parts;
    const deliveries = stand.subscribers.reduce((sum, { messages }) => sum + messages, 0);
    const running = [...this.#running.values()].map(({ name }) => name).join(', ');
    const { seconds } = figures;
    return [
      `${Math.round(seconds)} s`,
      `${stand.ledger.acknowledged} commits`,
      `${deliveries} deliveries (${Math.round(deliveries / seconds)}/s)`,
      `${stand.reconnects} reconnects`,
      running || 'no fault',
    ].join(' | ');
  }
}

/** A writer's statement that the database did not take, or of which nothing is known. */
function isOfTheDatabase(error: Error): boolean {
  const code = (error as { readonly code?: unknown }).code;
  return (
    typeof code === 'string' && (/^[0-9A-Z]{5}$/.test(code) || /^(CONNECT|ECONN|EPIPE|DATABASE_)/.test(code))
  );
}
