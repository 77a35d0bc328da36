import type { Client, ExecutionResult } from 'graphql-ws';
import { waitFor } from '../../support/wait-for.js';

/** One subscription of a stock client, and everything that came for it. */
export class Stream {
  readonly #messages: ExecutionResult[] = [];
  #ended: { readonly error?: unknown } | null = null;
  readonly #unsubscribe: () => void;
  #read = 0;

  constructor(client: Client, query: string, variables: Record<string, unknown> = {}) {
    this.#unsubscribe = client.subscribe(
      { query, variables },
      {
        next: (message) => this.#messages.push(message as ExecutionResult),
        error: (error) => {
          this.#ended = { error };
        },
        complete: () => {
          this.#ended ??= {};
        },
      },
    );
  }

  /** How many messages came, read or not. */
  get count(): number {
    return this.#messages.length;
  }

  /** The next message's data; errors in it are thrown. */
  // biome-ignore lint/suspicious/noExplicitAny: an answer has the shape that the document asks for.
  async next(): Promise<any> {
    const message = await waitFor('the next message', () => {
      if (this.#read < this.#messages.length) return this.#messages[this.#read];
      if (this.#ended) throw new Error(`the stream ended: ${JSON.stringify(this.#ended)}`);
      return undefined;
    });
    this.#read++;
    if (message.errors) throw new Error(JSON.stringify(message.errors));
    return message.data;
  }

  /** Why it ended. */
  async ended(): Promise<{ readonly error?: unknown }> {
    return waitFor('the stream ends', () => this.#ended);
  }

  /** The codes of the errors that the subscription was answered with. */
  async refused(): Promise<readonly unknown[]> {
    const errors = await waitFor('a refusal', () => this.#messages[0]?.errors ?? this.#ended?.error);
    return (errors as readonly { readonly extensions?: { readonly code?: unknown } }[]).map(
      (error) => error.extensions?.code,
    );
  }

  stop(): void {
    this.#unsubscribe();
  }
}
