import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { sync } from '../../client/core/sync.js';

/**
 * A client that keeps rows and cursor on disk, as a process of its own, so that it can be killed: it goes on where it was, applies what
 * comes, and keeps it. Prints one JSON line for each thing it did.
 */
export interface KeepingOptions {
  readonly url: string;
  readonly token: string;
  /** Where `rows.json` and `cursor.json`, or `both.json`, are kept; `manifest.json` is there. */
  readonly folder: string;
  readonly order: 'together' | 'rows first' | 'cursor first';
  /** Kills itself at a point of the n-th message; n counts from 1. */
  readonly crash?: { readonly message: number; readonly at: CrashPoint };
}

/** Before anything of it was kept; between the two; after both. */
export type CrashPoint = 'before' | 'between' | 'after';

export type KeepingLine =
  | { readonly did: 'fetch' }
  | { readonly did: 'resume' }
  | { readonly did: 'keep'; readonly rows: readonly { readonly id: string; readonly version: number }[] };

interface Kept {
  readonly rows: readonly object[];
  readonly cursor: string;
}

const LIST = 'counters(limit: 1000, orderBy: [{ id: ASC }])';
const options = JSON.parse(process.env.KEEPING_CLIENT!) as KeepingOptions;
const manifest = JSON.parse(readFileSync(join(options.folder, 'manifest.json'), 'utf8'));
const authorization = `Bearer ${options.token}`;

const say = (line: KeepingLine) => process.stdout.write(`${JSON.stringify(line)}\n`);
const read = <T>(name: string): T | null => {
  try {
    return JSON.parse(readFileSync(join(options.folder, name), 'utf8')) as T;
  } catch {
    return null;
  }
};
/** Whole or not at all. */
const write = (name: string, value: unknown): void => {
  const file = join(options.folder, name);
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(value));
  renameSync(`${file}.${process.pid}`, file);
};

/** Rows without a cursor, and a cursor without rows, are nothing. */
function load(): Kept | null {
  if (options.order === 'together') return read<Kept>('both.json');
  const rows = read<Kept['rows']>('rows.json');
  const cursor = read<string>('cursor.json');
  return rows && cursor ? { rows, cursor } : null;
}

function keep(kept: Kept, message: number): void {
  const crashIf = (at: CrashPoint) => {
    if (options.crash?.message === message && options.crash.at === at) process.kill(process.pid, 'SIGKILL');
  };
  const steps = {
    together: [() => write('both.json', kept)],
    'rows first': [() => write('rows.json', kept.rows), () => write('cursor.json', kept.cursor)],
    'cursor first': [() => write('cursor.json', kept.cursor), () => write('rows.json', kept.rows)],
  }[options.order];
  crashIf('before');
  for (const [at, step] of steps.entries()) {
    if (at > 0) crashIf('between');
    step();
  }
  crashIf('after');
  say({ did: 'keep', rows: kept.rows as never });
}

async function fetchRows(): Promise<Kept> {
  const response = await fetch(options.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify({ query: `{ ${LIST} { id version body } }` }),
  });
  const { data, extensions } = (await response.json()) as {
    data: { counters: object[] };
    extensions: { rivulet: { cursor: string } };
  };
  return { rows: data.counters, cursor: extensions.rivulet.cursor };
}

let messages = 0;

async function follow(): Promise<void> {
  let kept = load();
  if (kept) say({ did: 'resume' });
  else {
    say({ did: 'fetch' });
    kept = await fetchRows();
    keep(kept, 0);
  }
  const client = createClient({
    url: options.url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { authorization },
  });
  const stream = client.iterate<{ counterChanges: { cursor: string; reset: string | null } }>({
    query: `subscription ($after: String) { counterChanges(after: $after) {
      cursor reset changes { kind op key changedColumns node { id version body } } } }`,
    variables: { after: kept.cursor },
  });
  for await (const { data, errors } of stream) {
    if (!data) throw new Error(JSON.stringify(errors));
    const message = data.counterChanges;
    if (message.reset !== null) throw new Error(message.reset);
    const rows: Kept['rows'] = sync(kept.rows, data as never, {
      manifest,
      table: 'counters',
      limit: 1_000,
      orderBy: [{ id: 'ASC' }],
    });
    kept = { rows, cursor: message.cursor };
    keep(kept, ++messages);
  }
}

await follow();
