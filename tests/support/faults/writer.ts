import { setTimeout as delay } from 'node:timers/promises';
import { disputedProject, type Size } from './application.js';
import { changes } from './changes.js';
import { type ChangeSql, type CommitLedger, enter } from './commits.js';
import type { Random } from './random.js';

export interface WriterOptions {
  readonly ledger: CommitLedger;
  readonly size: Size;
  readonly random: Random;
  /** Between two transactions, on average. 0: none. */
  readonly paceMs: number;
  /** Writes to this table alone. Default: to all of them. */
  readonly only?: 'users' | undefined;
}

/** Writes at random until it is stopped. What the database refuses, or cannot do now, is left. */
export class Writer {
  readonly #options: WriterOptions;
  readonly #running: Promise<void>;
  #stopped = false;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Resolves when its last transaction is over. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const { random, paceMs } = this.#options;
    while (!this.#stopped) {
      await this.#step().catch(() => delay(20));
      if (paceMs > 0) await delay(2 * paceMs * random.next());
    }
  }

  #step(): Promise<void> {
    const { ledger, random, only, size } = this.#options;
    if (only) return ledger.commit(changes.touchUsers([1 + random.int(size.users)]));
    const what = random.int(100);
    if (what < 85) return ledger.commit(this.#change());
    const isGivenUp = what >= 96;
    return ledger.transaction(async (change, tx) => {
      for (let i = random.int(3); i >= 0; i--) await change(this.#change());
      if (what >= 92) {
        await tx.script('savepoint before');
        // Not through `change`: it must not be noted.
        await enter(tx, this.#change());
        await tx.script('rollback to savepoint before');
      }
      if (isGivenUp) throw new Error('rolled back on purpose');
    });
  }

  #change(): ChangeSql {
    const { random, size } = this.#options;
    const tasks = disputedProject(size) * size.tasksPerProject;
    const some = (below: number): number[] => {
      const ids = Array.from({ length: 1 + random.int(3) }, () => 1 + random.int(below));
      return ids.sort((a, b) => a - b);
    };
    const what = random.int(100);
    if (what < 50) return changes.touchTasks(some(tasks));
    if (what < 60) return changes.touchUsers(some(size.users));
    if (what < 75) return changes.touchComments(1 + random.int(3));
    if (what < 81) return changes.addTask(1 + random.int(disputedProject(size)));
    if (what < 86) return changes.removeTasks(1 + random.int(2));
    if (what < 90) return changes.moveTask(1 + random.int(disputedProject(size)));
    if (what < 96) return changes.addComment(1 + random.int(tasks));
    return changes.removeComment(random.int(5));
  }
}
