import type { AlteredApp } from './altered-app.js';

export type Thing = Readonly<Record<'id' | 'v' | 'a' | 'n' | 'at' | 'mood' | 'ownerId', unknown>>;

interface Message {
  readonly cursor: string;
  readonly reset: string | null;
  readonly changes: readonly { readonly kind: string; readonly key: string; readonly node: Thing | null }[];
}

const NODE = 'id v a n at mood ownerId';

/**
 * Keeps the rows of a query by its change stream, and fetches again only where it was told so: by a reset, an error, or the end of the stream.
 * Everything that the stream delivered is handed to `onNode`.
 */
export class AlteredClient {
  readonly #app: () => AlteredApp;
  readonly #where: string;
  readonly #onNode: (node: Thing) => void;
  rows = new Map<string, Thing>();
  /** What it was told instead of changes, in words. */
  readonly told: string[] = [];
  /** False while it waits for an answer, or is told that there is none. */
  isFollowing = false;
  #cursor: string | null = null;
  #cut = new AbortController();
  #isStopped = false;
  readonly #running: Promise<void>;

  constructor(app: () => AlteredApp, where: string, onNode: (node: Thing) => void) {
    this.#app = app;
    this.#where = where;
    this.#onNode = onNode;
    this.#running = this.#run();
  }

  /** Leaves the stream and comes back with the cursor of the last message, as after a lost connection. */
  reconnect(): void {
    this.#cut.abort();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cut.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        if (this.#cursor === null) await this.#fetch();
        await this.#follow();
      } catch (error) {
        this.told.push(error instanceof Error ? error.message : JSON.stringify(error));
        this.#cursor = null;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      this.isFollowing = false;
    }
  }

  async #fetch(): Promise<void> {
    const { data, cursor } = await this.#app().query(
      `{ things(where: ${this.#where}, limit: 1000) { ${NODE} } }`,
    );
    this.rows = new Map(
      (data as { readonly things: readonly Thing[] }).things.map((thing) => [String(thing.id), thing]),
    );
    this.#cursor = cursor;
  }

  async #follow(): Promise<void> {
    this.#cut = new AbortController();
    const { signal } = this.#cut;
    const query = `subscription ($after: String) { thingChanges(where: ${this.#where}, after: $after) {
      cursor reset changes { kind key node { ${NODE} } } } }`;
    const stream = this.#app().client.iterate<{ thingChanges: Message }>({
      query,
      variables: { after: this.#cursor },
    });
    signal.addEventListener('abort', () => void stream.return?.());
    this.isFollowing = true;
    for await (const { data, errors } of stream) {
      if (signal.aborted) return;
      if (errors) throw new Error(JSON.stringify(errors));
      this.#apply(data!.thingChanges);
      if (this.#cursor === null) {
        await stream.return?.();
        return;
      }
    }
    if (signal.aborted) return;
    this.told.push('the stream ended');
    this.#cursor = null;
  }

  #apply({ cursor, reset, changes }: Message): void {
    if (reset !== null) {
      this.told.push(`reset: ${reset}`);
      this.#cursor = null;
      return;
    }
    for (const { key, node } of changes) {
      if (node) this.#onNode(node);
      if (node) this.rows.set(key, node);
      else this.rows.delete(key);
    }
    this.#cursor = cursor;
  }
}
