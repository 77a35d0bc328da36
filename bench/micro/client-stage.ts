import type { StreamSink } from '../../client/core/live/index.js';
import { percentile, sort } from '../harness/statistics.js';
import type { ApplyResult } from './client-api.js';

/** One row of the list. */
export interface Item {
  readonly __typename: 'Item';
  readonly id: string;
  readonly title: string;
  readonly amount: number;
}

export const LIST = '{ items(limit: 10000, orderBy: [{ id: ASC }]) { __typename id title amount } }';
export const CHANGED = 'subscription { itemsChanged { __typename id title amount } }';

/** The server that the clients talk to, played: rows, and the texts of its messages. */
export class Stage {
  rows: Item[] = [];
  #turn = 0;

  fill(count: number): void {
    this.rows = Array.from({ length: count }, (_, n) => ({
      __typename: 'Item',
      id: String(n),
      title: 'a title',
      amount: n,
    }));
  }

  /** The answer of the list's query, as it comes over the network. */
  answer(): string {
    return JSON.stringify({
      data: { items: this.rows },
      extensions: { rivulet: { cursor: `c${this.#turn}` } },
    });
  }

  /** Changes rows spread over the list, in one transaction. */
  change(count: number): readonly Item[] {
    this.#turn += 1;
    const step = Math.max(1, Math.floor(this.rows.length / count));
    return Array.from({ length: count }, (_, i) => {
      const at = (this.#turn + i * step) % this.rows.length;
      const item: Item = { ...this.rows[at]!, title: `title ${this.#turn}` };
      this.rows[at] = item;
      return item;
    });
  }

  /** The change stream's message of the last transaction, as text. */
  message(items: readonly Item[]): string {
    const changes = items.map((node) => ({
      kind: 'UPDATE',
      op: 'UPDATE',
      key: node.id,
      changedColumns: ['title'],
      node,
    }));
    const transaction = { xid: String(this.#turn), mutationId: null };
    return JSON.stringify({
      data: { itemChanges: { cursor: `c${this.#turn}`, reset: null, transaction, changes } },
    });
  }

  isShown(data: unknown, item: Item): boolean {
    const { items } = (data ?? { items: [] }) as { items: readonly Item[] };
    return items[Number(item.id)]?.title === item.title;
  }

  /** Rows of what is shown that are not as they should be. */
  wrongIn(data: unknown): number {
    return this.rows.filter((row) => !this.isShown(data, row)).length;
  }
}

/** A client on the stage. */
export interface Shown {
  /** What the list shows now. */
  data(): unknown;
  /** Brings the changes to the client. */
  bring(items: readonly Item[]): void;
}

export async function applyAll(
  stage: Stage,
  shown: Shown,
  { transactions, changes }: { transactions: number; changes: number },
): Promise<ApplyResult> {
  const took: number[] = [];
  const before = process.cpuUsage();
  for (let turn = 0; turn < transactions; turn++) {
    const items = stage.change(changes);
    const began = performance.now();
    shown.bring(items);
    while (!items.every((item) => stage.isShown(shown.data(), item))) {
      if (performance.now() - began > 60_000) throw new Error('a change was not shown within a minute');
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    took.push(performance.now() - began);
  }
  const { user, system } = process.cpuUsage(before);
  return {
    cpuMs: (user + system) / 1_000 / transactions,
    p50Ms: percentile(sort(took), 50),
    wrong: stage.wrongIn(shown.data()),
  };
}

/** A stream client whose messages are put in by hand. */
export class Streams {
  #sink: StreamSink | undefined;

  readonly client = {
    subscribe: (_request: object, sink: StreamSink): (() => void) => {
      this.#sink = sink;
      return () => {};
    },
  };

  get isOpen(): boolean {
    return this.#sink !== undefined;
  }

  send(text: string): void {
    this.#sink?.next(JSON.parse(text));
  }
}

export async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error('the client did not get ready within 30 seconds');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
