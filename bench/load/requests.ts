import { Agent, request } from 'node:http';
import { answerCalls } from '../harness/calls.js';
import { percentile, sort } from '../harness/statistics.js';

/** Requests over HTTP, so many at a time. */
export interface RequestsApi {
  /** One answer, parsed. */
  once(options: RequestOptions): Promise<unknown>;
  /** For so long; each connection sends its next request when the one before is answered. */
  flatOut(
    options: RequestOptions & { readonly concurrent: number; readonly ms: number },
  ): Promise<RequestsResult>;
}

export interface RequestOptions {
  readonly url: string;
  readonly body: string;
}

export interface RequestsResult {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were not the first one, byte by byte. */
  readonly wrong: number;
}

/** Without an agent: a connection of its own. */
function send({ url, body }: RequestOptions, agent?: Agent): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const sent = request(url, { ...(agent && { agent }), method: 'POST', headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(parts);
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${response.statusCode}: ${text.toString().slice(0, 500)}`));
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const api: RequestsApi = {
  once: async (options) => JSON.parse((await send(options)).toString()),
  flatOut: async ({ concurrent, ms, ...options }) => {
    const began = performance.now();
    const took: number[] = [];
    // Its connections end with the run: servers close those that were idle for some seconds.
    const agent = new Agent({ keepAlive: true, maxSockets: concurrent });
    const first = dataOf(await send(options, agent));
    let wrong = 0;
    const oneAfterTheOther = async (): Promise<void> => {
      while (performance.now() - began < ms) {
        const sent = performance.now();
        const answer = await send(options, agent);
        took.push(performance.now() - sent);
        // What comes beside the data, such as a cursor, may differ.
        if (answer.length < first.length || dataOf(answer) !== first) wrong += 1;
      }
    };
    await Promise.all(Array.from({ length: concurrent }, oneAfterTheOther));
    const seconds = (performance.now() - began) / 1_000;
    agent.destroy();
    const sorted = sort(took);
    return {
      requests: took.length,
      seconds,
      p50Ms: percentile(sorted, 50),
      p99Ms: percentile(sorted, 99),
      wrong,
    };
  },
};

function dataOf(answer: Buffer): string {
  const text = answer.toString('latin1');
  const end = text.lastIndexOf(',"extensions"');
  return end === -1 ? text.replace(/}$/, '') : text.slice(0, end);
}

answerCalls(api, async () => {});
