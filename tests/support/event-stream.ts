import { waitFor } from './wait-for.js';

/** An event as it came. */
export interface StreamEvent {
  readonly event: string;
  readonly id: string | null;
  readonly data: unknown;
}

/** Reads an event stream by hand, so that a test sees what a well-behaved client hides. */
export class RawEventStream {
  readonly response: Response;
  readonly events: StreamEvent[] = [];
  /** Everything that came, as text. */
  text = '';
  hasEnded = false;
  readonly #abort: AbortController;

  private constructor(response: Response, abort: AbortController) {
    this.response = response;
    this.#abort = abort;
    // Otherwise it is an answer, for the test to read.
    if (response.headers.get('content-type') === 'text/event-stream') void this.#read();
  }

  static async open(url: string, init: RequestInit = {}): Promise<RawEventStream> {
    const abort = new AbortController();
    const headers = { accept: 'text/event-stream', ...(init.headers as Record<string, string>) };
    return new RawEventStream(await fetch(url, { ...init, headers, signal: abort.signal }), abort);
  }

  /** The `count`th event, now or when it comes. */
  event(count: number): Promise<StreamEvent> {
    return waitFor(`event ${count}`, () => this.events[count - 1]);
  }

  ended(): Promise<unknown> {
    return waitFor('the stream has ended', () => this.hasEnded);
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const chunk of this.response.body ?? []) {
        const text = decoder.decode(chunk, { stream: true });
        this.text += text;
        const parts = (rest + text).split('\n\n');
        rest = parts.pop() ?? '';
        for (const part of parts) this.#add(part);
      }
    } catch {
      // Cut, by either side.
    }
    this.hasEnded = true;
  }

  #add(part: string): void {
    const fields = new Map(part.split('\n').map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
    const event = fields.get('event');
    if (event === undefined) return;
    const data = fields.get('data');
    this.events.push({ event, id: fields.get('id') ?? null, data: data ? JSON.parse(data) : null });
  }
}
