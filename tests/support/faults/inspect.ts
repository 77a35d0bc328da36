import WebSocket from 'ws';
import { waitFor } from '../wait-for.js';
import type { ServedNode } from './node.js';

/** What is left in a node once its garbage is collected. */
export interface Remains {
  readonly heapBytes: number;
  /** Timers, sockets and the like that keep the process alive, by kind. */
  readonly resources: Readonly<Record<string, number>>;
}

/** Looks into a node that was started with `--inspect=127.0.0.1:0`. */
export class Inspector {
  readonly #socket: WebSocket;
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static async attach(node: ServedNode): Promise<Inspector> {
    const url = await waitFor('the inspector', () => /Debugger listening on (ws:\S+)/.exec(node.stray)?.[1]);
    const socket = new WebSocket(url, { maxPayload: 0 });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return new Inspector(socket);
  }

  async remains(): Promise<Remains> {
    // Finalizers run between two collections.
    for (let i = 0; i < 3; i++) await this.#call('HeapProfiler.collectGarbage');
    const expression = 'JSON.stringify([process.memoryUsage().heapUsed, process.getActiveResourcesInfo()])';
    const { result } = (await this.#call('Runtime.evaluate', { expression })) as {
      result: { value: string };
    };
    const [heapBytes, active] = JSON.parse(result.value) as [number, string[]];
    const resources: Record<string, number> = {};
    for (const kind of active) resources[kind] = (resources[kind] ?? 0) + 1;
    return { heapBytes, resources };
  }

  close(): void {
    this.#socket.terminate();
  }

  #call(method: string, params: object = {}): Promise<object> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const onMessage = (data: WebSocket.RawData): void => {
        const message = JSON.parse(String(data)) as { id?: number; result?: object; error?: object };
        if (message.id !== id) return;
        this.#socket.off('message', onMessage);
        if (message.result) resolve(message.result);
        else reject(new Error(JSON.stringify(message.error)));
      };
      this.#socket.on('message', onMessage);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }
}
