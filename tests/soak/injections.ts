import { setTimeout as delay } from 'node:timers/promises';
import { disputedProject, type Size } from '../support/faults/application.js';
import { changes } from '../support/faults/changes.js';
import type { Cluster } from '../support/faults/cluster.js';
import type { ServedNode } from '../support/faults/node.js';
import type { Random } from '../support/faults/random.js';
import type { Stand } from '../support/faults/stand.js';

/** What a fault is done to. All that it decides, `random` decides. */
export interface Scene {
  readonly stand: Stand;
  readonly cluster: Cluster;
  readonly size: Size;
  readonly random: Random;
}

export interface Injection {
  readonly name: string;
  readonly what: string;
  /** Faults of the same part are not injected at the same time. */
  readonly part: 'postgres' | 'nodes' | 'links' | 'rows' | 'readers';
  /** How often, compared with the others. */
  readonly weight: number;
  /** Resolves when the fault is over. */
  inject(scene: Scene): Promise<void>;
}

/** It drains for 10 s; on a machine that has other things to do, or without a database, it takes longer. */
const LONGEST_STOP_MS = 45_000;
const STARTS_WITHIN_MS = 60_000;

const seconds = (random: Random, from: number, to: number): Promise<void> =>
  delay(1_000 * (from + (to - from) * random.next()));

const someNode = ({ stand, random }: Scene): ServedNode => random.pick(stand.nodes);

/** As a supervisor does: a node that finds no database ends, and is started again. */
async function startAgain(node: ServedNode): Promise<void> {
  for (const began = Date.now(); ; await delay(500)) {
    try {
      return await node.start();
    } catch (error) {
      if (node.isRunning || !node.stray.includes('DATABASE_UNAVAILABLE')) throw error;
      if (Date.now() - began > STARTS_WITHIN_MS) throw error;
    }
  }
}

/** Ends sessions of the nodes that satisfy an SQL condition. */
async function endSessions({ cluster }: Scene, condition: string): Promise<void> {
  await cluster.db.query({
    text: `select pg_terminate_backend(pid)::text from pg_stat_activity where application_name like 'rivulet%' and ${condition}`,
    params: [],
  });
}

export const INJECTIONS: readonly Injection[] = [
  {
    name: 'kill-node',
    what: 'a node is killed (SIGKILL), and started again',
    part: 'nodes',
    weight: 4,
    inject: async (scene) => {
      const node = someNode(scene);
      await node.end('SIGKILL');
      await seconds(scene.random, 0, 3);
      await startAgain(node);
    },
  },
  {
    name: 'stop-node',
    what: 'a node is told to stop (SIGTERM), and started again',
    part: 'nodes',
    weight: 3,
    inject: async (scene) => {
      const node = someNode(scene);
      const late = setTimeout(() => node.signal('SIGKILL'), LONGEST_STOP_MS);
      const { code } = await node.end('SIGTERM');
      clearTimeout(late);
      if (code !== 0) throw new Error(`a node that was told to stop ended with ${code}`);
      await startAgain(node);
    },
  },
  {
    name: 'freeze-node',
    what: 'a node stands still (SIGSTOP) for seconds',
    part: 'nodes',
    weight: 2,
    inject: async (scene) => {
      const node = someNode(scene);
      node.signal('SIGSTOP');
      await seconds(scene.random, 1, 7);
      node.signal('SIGCONT');
    },
  },
  {
    name: 'end-sessions',
    what: 'database sessions of the nodes are ended',
    part: 'postgres',
    weight: 3,
    inject: async (scene) => {
      await endSessions(scene, scene.random.pick(['true', 'pid % 2 = 0', `query ~* '^(listen|select$)'`]));
    },
  },
  {
    name: 'kill-backend',
    what: 'one backend is killed (SIGKILL): Postgres ends all sessions and recovers',
    part: 'postgres',
    weight: 1,
    inject: async ({ cluster }) => {
      const [row] = await cluster.db.query({
        text: `select pid::text from pg_stat_activity where application_name like 'rivulet%' limit 1`,
        params: [],
      });
      if (row) cluster.killBackend(Number(row[0]));
      await cluster.ready();
    },
  },
  {
    name: 'restart-postgres',
    what: 'Postgres is restarted in order',
    part: 'postgres',
    weight: 2,
    inject: async ({ cluster }) => {
      await cluster.restart('fast');
      await cluster.ready();
    },
  },
  {
    name: 'crash-postgres',
    what: 'Postgres ends at once and recovers',
    part: 'postgres',
    weight: 2,
    inject: async ({ cluster }) => {
      await cluster.restart('immediate');
      await cluster.ready();
    },
  },
  {
    name: 'freeze-postgres',
    what: 'Postgres stands still (SIGSTOP) for seconds',
    part: 'postgres',
    weight: 2,
    inject: async ({ cluster, random }) => {
      await cluster.freeze();
      await seconds(random, 1, 7);
      cluster.thaw();
      await cluster.ready();
    },
  },
  {
    name: 'reset-database-links',
    what: 'connections between a node and Postgres are reset',
    part: 'links',
    weight: 3,
    inject: async (scene) => someNode(scene).back.reset(scene.random.pick([0.3, 1])),
  },
  {
    name: 'stall-database-links',
    what: 'nothing passes between a node and Postgres for seconds',
    part: 'links',
    weight: 2,
    inject: async (scene) => {
      const { back } = someNode(scene);
      if (scene.random.int(2) === 0) back.stall();
      else back.stallOpen();
      await seconds(scene.random, 1, 8);
      back.resume();
    },
  },
  {
    name: 'cut-notifications',
    what: 'every second part of what Postgres says to a node comes late',
    part: 'links',
    weight: 1,
    inject: async (scene) => {
      const { back } = someNode(scene);
      let seen = 0;
      back.meddle((bytes) => (seen++ % 2 === 0 ? bytes : delay(100, bytes)));
      await seconds(scene.random, 2, 5);
      back.meddle(null);
    },
  },
  {
    name: 'reset-client-links',
    what: 'connections between clients and a node are reset',
    part: 'links',
    weight: 3,
    inject: async (scene) => someNode(scene).front.reset(scene.random.pick([0.1, 0.5, 1])),
  },
  {
    name: 'stall-client-links',
    what: 'nothing passes between clients and a node for seconds',
    part: 'links',
    weight: 2,
    inject: async (scene) => {
      const { front } = someNode(scene);
      if (scene.random.int(2) === 0) front.stall();
      else front.stallOpen();
      await seconds(scene.random, 1, 8);
      front.resume();
    },
  },
  {
    name: 'break-frames',
    what: 'connections to clients break in the middle of what is sent',
    part: 'links',
    weight: 2,
    inject: async (scene) => {
      const { front } = someNode(scene);
      let seen = 0;
      front.meddle((bytes, cut) => {
        if (++seen % 20 !== 0) return bytes;
        setImmediate(cut);
        return bytes.subarray(0, bytes.length >> 1);
      });
      await seconds(scene.random, 1, 2);
      front.meddle(null);
    },
  },
  {
    name: 'slow-readers',
    what: 'some clients stop reading for a while',
    part: 'readers',
    weight: 3,
    inject: async ({ stand, random }) => {
      const readers = stand.subscribers.filter(({ plan }) => plan.transport === 'ws');
      const slow = Array.from({ length: 4 }, () => random.pick(readers));
      slow.push(...stand.subscribers.filter(({ plan }) => plan.kind === 'wide'));
      for (const each of slow) each.pause();
      await seconds(random, 5, 15);
      for (const each of slow) each.resume();
    },
  },
  {
    name: 'revoke-rights',
    what: 'users lose a project, and get it back',
    part: 'rows',
    weight: 4,
    inject: async ({ stand, random, size }) => {
      const project = disputedProject(size);
      const users = Array.from({ length: size.users }, (_, i) => i + 1).filter(() => random.int(2) === 0);
      for (const user of users) await stand.ledger.commit(changes.revoke(project, user));
      await seconds(random, 0, 4);
      for (const user of users) await stand.ledger.commit(changes.grant(project, user));
    },
  },
  {
    name: 'truncate',
    what: 'a table is emptied by TRUNCATE',
    part: 'rows',
    weight: 1,
    inject: ({ stand }) =>
      stand.ledger.transaction(async (change, tx) => {
        await tx.script('lock table comments in access exclusive mode');
        await change(changes.noteAllComments());
        await tx.script('truncate comments');
      }),
  },
  {
    name: 'big-transaction',
    what: 'a transaction changes some hundred rows, and another removes some',
    part: 'rows',
    weight: 2,
    inject: async ({ stand, random, size }) => {
      const project = 1 + random.int(disputedProject(size));
      await stand.ledger.transaction(async (change) => {
        await change(changes.addTasks(project, 100));
        await change(changes.touchProject(project));
      });
      await stand.ledger.commit(changes.removeTasks(100));
    },
  },
  {
    name: 'long-transaction',
    what: 'a transaction that wrote stays open for seconds',
    part: 'rows',
    weight: 2,
    inject: ({ stand, random, size }) =>
      stand.ledger.transaction(async (change) => {
        await change(changes.addTasks(1 + random.int(disputedProject(size)), 3));
        await seconds(random, 2, 10);
      }),
  },
  {
    name: 'prepared-transaction',
    what: 'a transaction is prepared, and committed seconds later',
    part: 'rows',
    weight: 2,
    inject: async ({ stand, random, size }) => {
      const id = `soak ${random.int(2 ** 31)}`;
      const change = changes.addTasks(1 + random.int(disputedProject(size)), 3);
      await stand.ledger.prepare(id, change);
      await seconds(random, 2, 8);
      await stand.ledger.commitPrepared(id);
    },
  },
];
