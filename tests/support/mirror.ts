import type { RowCells } from '../../shared/filter/types.js';
import type { SelectPlan, SelectResult } from '../../src/query/types.js';
import type { ScopeMessage, ScopeRegistry } from '../../src/scope/messages/types.js';

/** A subscriber that keeps what it was told, and objects to a message that contradicts it. */
export class Mirror {
  readonly rows = new Map<string, RowCells>();
  readonly plan: SelectPlan;
  messages = 0;
  error: unknown = null;
  /** A reset came: what the mirror has is to be read again. */
  needsReload = false;
  readonly #versions = new Map<string, number>();
  readonly #stream: AsyncIterableIterator<ScopeMessage>;

  constructor(scopes: ScopeRegistry, plan: SelectPlan) {
    this.plan = plan;
    this.#stream = scopes.changes(
      {
        table: plan.table,
        filter: plan.filter,
        rights: null,
        ops: null,
        columns: null,
        hidden: new Set(),
        related: [],
        graph: [],
      },
      { owner: 'mirror' },
    );
    void this.#read();
  }

  /** Takes the rows as they are now; to be called while nobody writes. */
  async load(select: (plan: SelectPlan) => Promise<SelectResult>): Promise<void> {
    this.rows.clear();
    for (const row of (await select(this.plan)).rows) this.rows.set(row.key, row.cells);
    this.needsReload = false;
  }

  async stop(): Promise<void> {
    await this.#stream.return?.();
  }

  async #read(): Promise<void> {
    try {
      for await (const message of this.#stream) this.#apply(message);
    } catch (error) {
      this.error = error;
    }
  }

  #apply(message: ScopeMessage): void {
    this.messages++;
    if (message.reset) {
      this.rows.clear();
      this.needsReload = true;
    }
    for (const { key, kind, node } of message.changes) {
      const had = this.rows.has(key);
      if (!this.needsReload && had !== (kind !== 'ENTER')) {
        throw new Error(
          `${kind} of ${this.plan.table.name} ${key}, which the subscriber ${had ? 'has' : 'has not'}`,
        );
      }
      const version = this.plan.table.findColumn('position')?.index;
      if (node && version !== undefined) {
        const position = Number(node.cells[version]);
        if (position < (this.#versions.get(key) ?? 0))
          throw new Error(`task ${key} went back to ${position}`);
        this.#versions.set(key, position);
      }
      if (node) this.rows.set(key, node.cells);
      else this.rows.delete(key);
    }
  }
}

/** Keeps the last answer of a live query. */
export class LiveMirror {
  readonly plan: SelectPlan;
  last: SelectResult | null = null;
  /** How often an answer came that was no other than the one before. */
  repeated = 0;
  readonly #stream: AsyncIterableIterator<SelectResult>;

  constructor(scopes: ScopeRegistry, plan: SelectPlan) {
    this.plan = plan;
    this.#stream = scopes.live(plan);
    void this.#read();
  }

  async stop(): Promise<void> {
    await this.#stream.return?.();
  }

  async #read(): Promise<void> {
    for await (const answer of this.#stream) {
      if (answer.raw === this.last?.raw) this.repeated++;
      this.last = answer;
    }
  }
}
