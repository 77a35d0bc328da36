import { connect } from '../../../src/database/connect.js';
import type { Database } from '../../../src/database/types.js';
import type { RivuletConfig } from '../../../src/index.js';
import { signToken } from '../../../src/server/auth/token-verifier.js';
import { waitFor } from '../wait-for.js';
import { disputedProject, type Size } from './application.js';
import { buildNode, type NodeProgram } from './build.js';
import { changes } from './changes.js';
import { CommitLedger } from './commits.js';
import { type Base, History, readBase } from './history.js';
import { type Finding, judge, type Wrong } from './judge.js';
import { FAULT_SECRET, type NodeOptions, ServedNode } from './node.js';
import { describePlan, type Plan, type State } from './plans.js';
import type { Random } from './random.js';
import { Subscriber, type SubscriberOptions } from './subscriber.js';
import { Writer, type WriterOptions } from './writer.js';

export interface StandOptions extends Pick<NodeOptions, 'env' | 'nodeArguments'> {
  /** Has what `applicationSql` makes. */
  readonly databaseUrl: string;
  readonly size: Size;
  /** Default 1. */
  readonly nodes?: number;
  readonly config?: Partial<RivuletConfig>;
  /** What one node's environment has besides `env`. */
  readonly envOf?: (at: number) => Readonly<Record<string, string>>;
}

export interface SettleOptions {
  /** Reasons for which subscribers may have been told to fetch again. Default: none. */
  readonly allowedResets?: readonly string[];
  /** For all subscribers to have everything; default 60,000. */
  readonly withinMs?: number;
}

/** What came of everything since the last quiet point. */
export interface Settled {
  readonly commits: number;
  /** Messages and answers, to all subscribers together. */
  readonly messages: number;
  /** Rows in them. */
  readonly rows: number;
  readonly wrong: Readonly<Record<Wrong, number>>;
  /** What is wrong, in words, with whom. */
  readonly findings: readonly string[];
}

export interface WriteOptions extends Pick<WriterOptions, 'paceMs' | 'only'> {
  readonly writers: number;
  readonly random: Random;
}

/** How many findings are put into words. */
const SHOWN_FINDINGS = 20;

/** Everything that a fault needs: nodes between proxies, writers with their ledger, subscribers, and the judge. To be closed. */
export class Stand {
  readonly #options: StandOptions;
  readonly #program: NodeProgram;
  readonly #database: Database;
  readonly nodes: readonly ServedNode[];
  readonly ledger: CommitLedger;
  readonly #subscribers: { readonly subscriber: Subscriber; state: State | null }[] = [];
  #writers: Writer[] = [];
  #base: Base;

  private constructor(
    options: StandOptions,
    program: NodeProgram,
    database: Database,
    nodes: readonly ServedNode[],
    base: Base,
  ) {
    this.#options = options;
    this.#program = program;
    this.#database = database;
    this.nodes = nodes;
    this.ledger = new CommitLedger(database);
    this.#base = base;
  }

  /** With all nodes started. */
  static async make(options: StandOptions): Promise<Stand> {
    const program = await buildNode();
    const database = connect(options.databaseUrl, { max: 40, applicationName: 'ledger' });
    const nodeOptions = { ...options, program: program.file };
    const nodes = await Promise.all(
      Array.from({ length: options.nodes ?? 1 }, (_, at) =>
        ServedNode.make({ ...nodeOptions, env: { ...options.env, ...options.envOf?.(at) } }),
      ),
    );
    const stand = new Stand(options, program, database, nodes, await readBase(database));
    try {
      await Promise.all(nodes.map((node) => node.start()));
    } catch (error) {
      await stand.close();
      throw error;
    }
    return stand;
  }

  /** Past every proxy. */
  get database(): Database {
    return this.#database;
  }

  get subscribers(): readonly Subscriber[] {
    return this.#subscribers.map(({ subscriber }) => subscriber);
  }

  /** Of all subscribers together. */
  get reconnects(): number {
    return this.subscribers.reduce((sum, { reconnects }) => sum + reconnects, 0);
  }

  /** How often subscribers were told to fetch again, by reason. */
  get resets(): ReadonlyMap<string, number> {
    const resets = new Map<string, number>();
    for (const subscriber of this.subscribers) {
      for (const [reason, count] of subscriber.resets) resets.set(reason, (resets.get(reason) ?? 0) + count);
    }
    return resets;
  }

  /** Starts a subscriber; `url`: where it connects, by default to the first node. */
  async subscribe(plan: Plan, options: Partial<SubscriberOptions> = {}): Promise<Subscriber> {
    const token = await this.token(plan.userId);
    const subscriber = new Subscriber({ plan, token, url: () => this.nodes[0]!.url, ...options });
    this.#subscribers.push({ subscriber, state: null });
    subscriber.start();
    return subscriber;
  }

  /** One of each kind, as different users. */
  async subscribeAll(options: Partial<SubscriberOptions> = {}): Promise<readonly Subscriber[]> {
    return Promise.all(EVERY_KIND.map((plan) => this.subscribe(plan, options)));
  }

  token(userId: number): Promise<string> {
    return signToken(FAULT_SECRET, String(userId), 10 * 24 * 3_600);
  }

  /** Starts writers, besides those that write already. */
  write(options: WriteOptions): void {
    const { ledger } = this;
    for (let i = 0; i < options.writers; i++) {
      this.#writers.push(
        new Writer({
          ledger,
          size: this.#options.size,
          random: options.random.fork(),
          paceMs: options.paceMs,
          only: options.only,
        }),
      );
    }
  }

  async stopWriting(): Promise<void> {
    await Promise.all(this.#writers.splice(0).map((writer) => writer.stop()));
  }

  /** Resolves when every subscriber was told something more; somebody has to write. */
  async heard(withinMs = 60_000): Promise<void> {
    const before = new Map(this.subscribers.map((subscriber) => [subscriber, subscriber.messages]));
    await waitFor(
      'everybody hears something',
      () => {
        const waiting = [...before].filter(([subscriber, messages]) => subscriber.messages <= messages);
        if (waiting.length === 0) return true;
        throw new Error(waiting.map(([{ plan, breaks }]) => `${describePlan(plan)}: ${breaks}`).join('; '));
      },
      withinMs,
    );
  }

  /** Whether each node says that it is ready. */
  ready(): Promise<readonly boolean[]> {
    return Promise.all(
      this.nodes.map((node) =>
        fetch(node.directUrl.replace('/graphql', '/health/ready')).then(
          ({ status }) => status === 200,
          () => false,
        ),
      ),
    );
  }

  /** Resolves when all nodes that run say that they are ready. */
  async untilReady(withinMs = 30_000): Promise<void> {
    await waitFor('the nodes are ready', async () => (await this.ready()).every(Boolean), withinMs).catch(
      async (error: Error) => {
        throw new Error(`${error.message}\n${await this.#describeNodes()}`);
      },
    );
  }

  /** Resolves when so many more transactions were acknowledged. */
  async written(count: number, withinMs = 60_000): Promise<void> {
    const until = this.ledger.acknowledged + count;
    await waitFor(`${count} transactions`, () => this.ledger.acknowledged >= until, withinMs);
  }

  /**
   * Stops the writers, gives everybody the rights of the beginning, commits a transaction that everybody must hear of, waits for that, and
   * judges what each subscriber was told since the last time.
   */
  async settle({ allowedResets = [], withinMs = 60_000 }: SettleOptions = {}): Promise<Settled> {
    await this.stopWriting();
    const fencedAt = await this.#fence();
    await this.#untilFenced(fencedAt, withinMs);
    const history = new History(this.#base, await this.ledger.take());
    this.#assertSame(history.end(), await readBase(this.#database));
    const fresh = new FreshStates();
    let [messages, rows] = [0, 0];
    const wrong: Record<Wrong, number> = { lost: 0, doubled: 0, 'out of order': 0, phantom: 0, reset: 0 };
    const findings: string[] = [];
    for (const entry of this.#subscribers) {
      const { subscriber } = entry;
      const { plan } = subscriber;
      const notes = subscriber.takeNotes();
      for (const note of notes) {
        if (note.kind === 'fetched') continue;
        messages++;
        rows += note.kind === 'told' ? note.message.rows.length : note.state.rows.size;
      }
      const judged = judge({
        plan,
        history,
        notes,
        before: entry.state,
        fresh: await fresh.of(subscriber),
        allowedResets: new Set(allowedResets),
        mayMerge: subscriber.takeWasSlow(),
      });
      entry.state = judged.state;
      for (const finding of [...judged.findings, ...troublesOf(subscriber)]) {
        wrong[finding.wrong]++;
        if (findings.length < SHOWN_FINDINGS)
          findings.push(`${finding.wrong}: ${finding.text} (${describePlan(plan)})`);
      }
    }
    this.#base = history.end();
    return { commits: history.commits.length, messages, rows, wrong, findings };
  }

  async close(): Promise<void> {
    await this.stopWriting();
    await Promise.all(this.subscribers.map((subscriber) => subscriber.stop()));
    await Promise.all(this.nodes.map((node) => node.close()));
    await this.#database.close(1_000);
    await this.#program.remove();
  }

  /** Resolves to the moment of the acknowledgement, and the transaction. */
  async #fence(): Promise<{ readonly xid: string; readonly at: number }> {
    const { size } = this.#options;
    const users = Array.from({ length: size.users }, (_, i) => i + 1);
    const all = disputedProject(size);
    let xid = '';
    // Whoever ended a session a moment ago may have ended one of the pool's.
    await waitFor('the fence', async () => {
      await this.ledger.transaction(async (change) => {
        for (const user of users) await change(changes.grant(all, user));
      });
      await this.ledger.transaction(async (change) => {
        for (let task = 1; task <= all; task++) {
          xid = (await change(changes.touchTasks([task])))!;
          await change(changes.addComment(task));
        }
        await change(changes.touchUsers(users));
      });
      return true;
    });
    const at = performance.now();
    return { xid: (await this.ledger.names())(xid), at };
  }

  async #untilFenced(fence: { readonly xid: string; readonly at: number }, withinMs: number): Promise<void> {
    const fresh = new FreshStates();
    const waiting = new Set(this.subscribers);
    await waitFor(
      'everybody has heard of the last transaction',
      async () => {
        for (const subscriber of [...waiting]) {
          const last = subscriber.notes.at(-1);
          // What it fetched may have the fence in it before that was acknowledged.
          const isThere =
            last?.kind === 'told'
              ? last.message.xid === fence.xid && last.message.reset === null
              : last !== undefined &&
                (last.kind === 'answered' || last.at <= fence.at
                  ? isSame(last.state, await fresh.of(subscriber))
                  : true);
          if (isThere) waiting.delete(subscriber);
        }
        if (waiting.size === 0) return true;
        throw new Error([...waiting].map(({ plan }) => describePlan(plan)).join('; '));
      },
      withinMs,
    ).catch(async (error: Error) => {
      throw new Error(`${error.message}\n${await this.#describeNodes()}`, { cause: error.cause });
    });
  }

  /** For whoever has to find out why. */
  async #describeNodes(): Promise<string> {
    const each = this.nodes.map(async (node, at) => {
      const health = await fetch(node.directUrl.replace('/graphql', '/health/ready')).then(
        (response) => response.text(),
        (error: Error) => error.message,
      );
      const said = node.logged.filter(({ level }) => level >= 40).slice(-10);
      return [
        `node ${at + 1}: ${health}`,
        ...said.map((line) => JSON.stringify(line)),
        node.stray.slice(-1_000),
      ];
    });
    return (await Promise.all(each)).flat().join('\n');
  }

  /** The ledger has to know everything, or it cannot be judged by. */
  #assertSame(ledger: Base, database: Base): void {
    for (const [row, { version }] of database) {
      if (row.startsWith('members:')) continue;
      if (ledger.get(row)?.version !== version)
        throw new Error(`${row} is ${version}, and ${ledger.get(row)?.version} in the ledger`);
    }
    for (const row of ledger.keys())
      if (!database.has(row)) throw new Error(`${row} is in the ledger, and not there`);
  }
}

const plan = (
  kind: Plan['kind'],
  transport: Plan['transport'],
  userId: number,
  project: number | null = null,
): Plan => ({ kind, transport, userId, project });

/** A subscriber of each kind. */
export const EVERY_KIND: readonly Plan[] = [
  plan('tasks', 'ws', 1),
  plan('tasks', 'ws', 2),
  plan('tasks', 'sse', 1),
  plan('tasks', 'sse', 3, 1),
  plan('users', 'ws', 1),
  plan('users', 'sse', 4),
  plan('comments', 'ws', 2),
  plan('graph', 'ws', 3),
  plan('graph', 'sse', 4),
  plan('live', 'ws', 1),
  plan('live', 'sse', 2),
];

/** Each question asked once. */
class FreshStates {
  readonly #states = new Map<string, State>();

  async of(subscriber: Subscriber): Promise<State> {
    const { kind, userId, project } = subscriber.plan;
    const key = `${kind} ${userId} ${project}`;
    let state = this.#states.get(key);
    if (!state) {
      ({ state } = await waitFor('a SELECT', () => subscriber.fetchNow()));
      this.#states.set(key, state);
    }
    return state;
  }
}

function troublesOf(subscriber: Subscriber): readonly Finding[] {
  return subscriber.takeTroubles().map((text) => ({ wrong: 'reset', text }));
}

function isSame(a: State, b: State): boolean {
  if (a.rows.size !== b.rows.size) return false;
  for (const [row, version] of a.rows) if (b.rows.get(row) !== version) return false;
  return true;
}
