import type { Client } from 'graphql-ws';
import type { ExampleServer } from '../support/example-server.js';
import { Stream } from './second-schema/stream.js';

/** What one message says of a scope: `ENTER INSERT 5` of a row, `LEAVE 1>5` of a link; nothing where nothing happened. */
export interface Told {
  readonly [relationOrList: string]: Told | readonly string[];
}

interface ScopeMessage {
  readonly changes: readonly { readonly kind: string; readonly op: string | null; readonly key: string }[];
  readonly links?: readonly { readonly kind: string; readonly parent: string; readonly child: string }[];
  readonly related?: Readonly<Record<string, ScopeMessage>>;
}

export function told({ changes, links = [], related = {} }: ScopeMessage): Told {
  const outline: Record<string, Told | readonly string[]> = {};
  if (changes.length > 0)
    outline.changes = changes.map(({ kind, op, key }) => `${kind} ${op} ${key}`).toSorted();
  if (links.length > 0)
    outline.links = links.map(({ kind, parent, child }) => `${kind} ${parent}>${child}`).toSorted();
  for (const [name, message] of Object.entries(related)) {
    const inner = told(message);
    if (Object.keys(inner).length > 0) outline[name] = inner;
  }
  return outline;
}

/** Subscribes, and resolves once the server follows what is committed from now on. */
export async function followGraph(
  { server, subscribed }: Pick<ExampleServer, 'server' | 'subscribed'>,
  client: Client,
  document: string,
  variables: Record<string, unknown> = {},
): Promise<Stream> {
  await server.feed.catchUp();
  const before = server.scopes.status().subscribers;
  const stream = new Stream(client, document, variables);
  await subscribed(before + 1);
  return stream;
}
