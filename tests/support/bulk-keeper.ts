import type { AlteredApp } from './altered-app.js';
import { BULK_FIELDS, type BulkRows, type BulkScope } from './bulk-app.js';
import { waitFor } from './wait-for.js';

interface Message {
  readonly cursor: string;
  readonly reset: string | null;
  readonly changes: readonly {
    readonly kind: 'ENTER' | 'UPDATE' | 'LEAVE';
    readonly key: string;
    readonly node: Readonly<Record<string, unknown>> | null;
  }[];
}

/**
 * Keeps the rows of a scope by its change stream, over a socket, and fetches again only where it was told so. Notes what it was told, and
 * what cannot be told where each change is told exactly once.
 */
export class BulkKeeper {
  readonly scope: BulkScope;
  readonly #app: AlteredApp;
  readonly #running: Promise<void>;
  readonly #rows = new Map<string, string>();
  readonly #field: string;
  /** Resets, errors and ends, in words. */
  told: string[] = [];
  /** One for each change: its kind, and the row, or its key where it left. */
  changes: string[] = [];
  /** Messages that had changes. */
  messages = 0;
  /** A row that came and was there; one that changed or went and was not. */
  wrong: string[] = [];
  #cursor: string | null = null;
  #isFollowing = false;
  #stopped = false;
  #leave: () => void = () => {};

  constructor(app: AlteredApp, scope: BulkScope) {
    this.#app = app;
    this.scope = scope;
    this.#field = { accounts: 'accountChanges', entries: 'entryChanges', parts: 'partChanges' }[scope.table];
    this.#running = this.#run();
  }

  get rows(): BulkRows {
    return this.#rows;
  }

  /** Resolves when a stream is open and what was fetched is there. */
  async following(): Promise<void> {
    await waitFor(
      `${JSON.stringify(this.scope)} is followed`,
      () => {
        if (!this.#isFollowing) throw new Error(this.told.slice(-3).join('; '));
        return true;
      },
      30_000,
    );
  }

  /** Forgets what it noted, and not the rows. */
  forget(): void {
    this.told = [];
    this.changes = [];
    this.messages = 0;
    this.wrong = [];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#leave();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (this.#cursor === null) await this.#fetch();
        await this.#follow();
      } catch (error) {
        this.told.push(error instanceof Error ? error.message : JSON.stringify(error));
        this.#cursor = null;
        // Who is refused asks again, and not at once.
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      this.#isFollowing = false;
    }
  }

  get #selection(): string {
    return Object.keys(BULK_FIELDS[this.scope.table]).join(' ');
  }

  async #fetch(): Promise<void> {
    const { table, where } = this.scope;
    const { data, cursor } = await this.#app.query(
      `{ ${table}(where: ${where}, limit: 1000) { ${this.#selection} } }`,
    );
    const rows = (data as Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>)[table]!;
    this.#rows.clear();
    for (const row of rows) this.#rows.set(String(row.id), this.#line(row));
    this.#cursor = cursor;
  }

  async #follow(): Promise<void> {
    const stream = this.#app.client.iterate<Readonly<Record<string, Message>>>({
      query: `subscription ($after: String) { ${this.#field}(where: ${this.scope.where}, after: $after) {
        cursor reset changes { kind key node { ${this.#selection} } } } }`,
      variables: { after: this.#cursor },
    });
    this.#leave = () => void stream.return?.();
    if (this.#stopped) this.#leave();
    this.#isFollowing = true;
    for await (const { data, errors } of stream) {
      if (errors) throw new Error(JSON.stringify(errors));
      const message = data![this.#field]!;
      if (message.reset !== null) {
        this.told.push(`reset: ${message.reset}`);
        this.#cursor = null;
        this.#leave();
        return;
      }
      this.#apply(message);
    }
    if (!this.#stopped) this.told.push('the stream ended');
    this.#cursor = null;
  }

  #apply({ cursor, changes }: Message): void {
    if (changes.length > 0) this.messages++;
    for (const { kind, key, node } of changes) {
      const line = node && this.#line(node);
      if (this.#rows.has(key) === (kind === 'ENTER') || this.#rows.get(key) === line)
        this.wrong.push(`${kind} ${key} ${line}; it was ${this.#rows.get(key)}`);
      this.changes.push(`${kind} ${line ?? key}`);
      if (line === null) this.#rows.delete(key);
      else this.#rows.set(key, line);
    }
    this.#cursor = cursor;
  }

  #line(node: Readonly<Record<string, unknown>>): string {
    return Object.keys(BULK_FIELDS[this.scope.table])
      .map((field) => String(node[field]))
      .join('|');
  }
}
