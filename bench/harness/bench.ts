import postgres from 'postgres';
import type { TargetApi } from '../targets/target-api.js';
import { type Api, Child } from './calls.js';
import { Resources } from './resources.js';
import { addGates, type Gate, type Row } from './scenario.js';
import { type Stand, type StandOptions, startStand } from './stand.js';
import { figureOf } from './statistics.js';

export interface BenchOptions {
  readonly serverUrl: string;
  readonly runs: number;
  /** Take a profile of Rivulet's process in one more run of each case. */
  readonly profile: boolean;
  readonly open: Resources;
  readonly onProfile: (name: string, functions: readonly unknown[]) => void;
}

/** Figures of one run, with what its gate counted. */
export interface RunResult {
  readonly figures: Readonly<Record<string, number>>;
  readonly gate: Gate;
}

type Profiled = Pick<TargetApi, 'startProfile' | 'stopProfile'>;

/** Something that is measured. */
export interface Subject {
  readonly subject: string;
  /** Where its process can be profiled. */
  readonly stand?: { readonly target: Pick<Child<Profiled>, 'call'> };
  /** One run. Called once before, to warm up, and that run does not count. */
  readonly run: () => Promise<RunResult>;
}

/** What scenarios are written with: stands, and runs in turn. */
export class Bench {
  readonly #options: BenchOptions;

  constructor(options: BenchOptions) {
    this.#options = options;
  }

  get serverUrl(): string {
    return this.#options.serverUrl;
  }

  /** Waiting for the disk says nothing of a server that delivers; of what writers pay it is a part. */
  async setDurable(durable: boolean): Promise<void> {
    const sql = postgres(this.serverUrl, { max: 1 });
    await sql.unsafe(`alter system set fsync = ${durable ? 'on' : 'off'}`);
    await sql`select pg_reload_conf()`;
    await sql.end();
  }

  /** Starts stands for one case, and closes them after `work`. */
  async withStands<T>(
    stands: readonly StandOptions[],
    work: (stands: readonly Stand[]) => Promise<T>,
  ): Promise<T> {
    const open = this.#options.open.add(new Resources(), (each) => each.close());
    try {
      const started: Stand[] = [];
      for (const each of stands) started.push(await startStand(this.serverUrl, open, each));
      return await work(started);
    } finally {
      await open.close();
    }
  }

  /** Starts a process beside the stands, and ends it after `work`. */
  async withProcess<A extends Api, T>(module: string, work: (child: Child<A>) => Promise<T>): Promise<T> {
    const child = this.#options.open.add(new Child<A>(module), (each) => each.stop());
    try {
      return await work(child);
    } finally {
      await child.stop();
    }
  }

  /** As `withProcess`, several of the same. */
  async withProcesses<A extends Api, T>(
    module: string,
    count: number,
    work: (children: readonly Child<A>[]) => Promise<T>,
    started: readonly Child<A>[] = [],
  ): Promise<T> {
    if (started.length === count) return work(started);
    return this.withProcess<A, T>(module, (child) =>
      this.withProcesses(module, count, work, [...started, child]),
    );
  }

  /**
   * Every subject once to warm up, and then in turn as often as was asked for, so that a noisy minute is everybody's.
   */
  async measure(name: string, subjects: readonly Subject[]): Promise<readonly Row[]> {
    const results = new Map<string, RunResult[]>(subjects.map(({ subject }) => [subject, []]));
    const gates = new Map<string, Gate[]>(subjects.map(({ subject }) => [subject, []]));
    for (let round = 0; round <= this.#options.runs; round++) {
      for (const { subject, run } of subjects) {
        progress(
          `${name}: ${subject}, ${round === 0 ? 'warming up' : `run ${round} of ${this.#options.runs}`}`,
        );
        const result = await run();
        gates.get(subject)!.push(result.gate);
        if (round > 0) results.get(subject)!.push(result);
      }
    }
    if (this.#options.profile) await this.#profile(name, subjects);
    return subjects.map(({ subject }): Row => {
      const runs = results.get(subject)!;
      const metrics = Object.keys(runs[0]!.figures);
      return {
        case: name,
        subject,
        figures: Object.fromEntries(
          metrics.map((metric) => [metric, figureOf(runs.map(({ figures }) => figures[metric]!))]),
        ),
        gate: addGates(gates.get(subject)!),
      };
    });
  }

  async #profile(name: string, subjects: readonly Subject[]): Promise<void> {
    for (const { subject, stand, run } of subjects) {
      if (!stand || subject !== 'rivulet') continue;
      progress(`${name}: ${subject}, profiling`);
      await stand.target.call('startProfile', undefined);
      await run();
      this.#options.onProfile(name, await stand.target.call('stopProfile', undefined));
    }
  }
}

function progress(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)}  ${text}\n`);
}
