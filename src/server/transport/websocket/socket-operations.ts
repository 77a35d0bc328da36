import type { SubscribePayload } from 'graphql-ws';
import { SocketOperation } from './socket-operation.js';
import type { OperationOwner } from './socket-results.js';

/**
 * The open operations of one socket, by their ids. An id is taken until the operation has ended, by
 * either side.
 */
export class SocketOperations {
  readonly #byId = new Map<string, SocketOperation>();

  get size(): number {
    return this.#byId.size;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** Runs an operation. Rejects where the server failed. */
  run(owner: OperationOwner, id: string, payload: SubscribePayload): Promise<void> {
    const operation = new SocketOperation(owner, id, payload);
    this.#byId.set(id, operation);
    return operation.run();
  }

  /** Ends an operation without a word. Nothing, if there is none of that id. */
  end(id: string): void {
    this.#byId.get(id)?.end();
  }

  endAll(): void {
    for (const each of [...this.#byId.values()]) each.end();
  }

  /** Frees the id of an operation that has ended. */
  forget(id: string): void {
    this.#byId.delete(id);
  }

  /** To be called when the rights of the socket's user may be others. */
  renew(): void {
    for (const each of this.#byId.values()) if (each.isOfSocket) each.renew();
  }

  /** To be called when the session of the socket's user is not suspended any more. */
  resume(): void {
    for (const each of [...this.#byId.values()]) if (each.isOfSocket) each.resume();
  }
}
