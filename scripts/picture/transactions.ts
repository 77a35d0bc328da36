import { type Client, createClient } from 'graphql-ws';
import WebSocket from 'ws';
import type { ShownTransaction } from './film.js';

const DOCUMENT = `subscription {
  taskChanges { transaction { xid } changes {
    key op changedColumns
    node { title status position priority }
    previous { title status position priority }
  } }
}`;

interface Message {
  readonly transaction: { readonly xid: string } | null;
  readonly changes: readonly {
    readonly key: string;
    readonly op: string;
    readonly changedColumns: readonly string[] | null;
    readonly node: Readonly<Record<string, unknown>> | null;
    readonly previous: Readonly<Record<string, unknown>> | null;
  }[];
}

/** The change stream of one person's tasks, as the picture shows it. */
export class TransactionStream {
  private readonly client: Client;
  private readonly messages: AsyncIterableIterator<{ data?: { taskChanges: Message } | null | undefined }>;

  constructor(url: string, token: string) {
    this.client = createClient({
      url: new URL('/graphql', url).href.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${token}` },
    });
    this.messages = this.client.iterate({ query: DOCUMENT });
  }

  /** Resolves with the next message; call it before the change that it awaits. */
  async next(): Promise<ShownTransaction> {
    const { value } = await this.messages.next();
    return shown(value.data.taskChanges);
  }

  async close(): Promise<void> {
    await this.messages.return?.();
    await this.client.dispose();
  }
}

function shown({ transaction, changes }: Message): ShownTransaction {
  const { key, op, changedColumns, node, previous } = changes[0]!;
  return {
    xid: `${transaction!.xid.slice(0, 8)}…`,
    row: `${op} tasks ${key}`,
    columns: (changedColumns ?? [])
      .filter((name) => node !== null && name in node)
      .map((name) => ({ name, before: String(previous?.[name]), after: String(node?.[name]) })),
  };
}
