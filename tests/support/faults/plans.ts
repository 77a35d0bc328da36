import type { LedgerTable } from './commits.js';

/** What one subscriber follows, as whom, and over what. `live` and `wide` are live queries, the second with long texts. */
export interface Plan {
  readonly kind: 'tasks' | 'wide' | 'users' | 'comments' | 'graph' | 'live';
  readonly transport: 'ws' | 'sse';
  readonly userId: number;
  /** Only rows of this project; `null`: all that may be read. */
  readonly project: number | null;
}

/** One row in a message. */
export interface ToldRow {
  readonly table: LedgerTable;
  readonly key: string;
  readonly kind: 'ENTER' | 'UPDATE' | 'LEAVE';
  readonly op: string | null;
  /** `null` on LEAVE. */
  readonly version: number | null;
}

export interface Message {
  readonly cursor: string;
  readonly reset: string | null;
  /** `null` where a reset came from outside any transaction. */
  readonly xid: string | null;
  readonly rows: readonly ToldRow[];
  readonly links: readonly { readonly kind: 'ENTER' | 'LEAVE'; readonly link: string }[];
}

/** Rows by `table:key`, with their versions; links as `parent → child`. */
export interface State {
  readonly rows: ReadonlyMap<string, number>;
  readonly links: ReadonlySet<string>;
}

export const rowName = (table: LedgerTable, key: string): string => `${table}:${key}`;

/** Whose changes a plan is told. */
export function tablesOf({ kind }: Plan): readonly LedgerTable[] {
  if (kind === 'graph') return ['tasks', 'comments'];
  return kind === 'users' || kind === 'comments' ? [kind] : ['tasks'];
}

export function describePlan({ kind, transport, userId, project }: Plan): string {
  return `${kind} of user ${userId}${project === null ? '' : ` in project ${project}`} over ${transport}`;
}

const SELECTIONS = {
  tasks: 'id position',
  wide: 'id position description',
  users: 'id name',
  comments: 'id body',
  graph: 'id position comments(limit: 1000) { id body }',
  live: 'id position',
} as const;

/** A live query is answered again and again; everything else is told of changes. */
export const isLive = ({ kind }: Plan): boolean => kind === 'live' || kind === 'wide';

const fieldOf = ({ kind }: Plan): 'tasks' | 'users' | 'comments' =>
  kind === 'users' || kind === 'comments' ? kind : 'tasks';

function whereOf({ kind, project }: Plan): string {
  if (project === null || kind === 'users') return '';
  const own = `projectId: { eq: "${project}" }`;
  return `where: { ${kind === 'comments' ? `task: { ${own} }` : own} }`;
}

export function queryOf(plan: Plan): string {
  return `{ ${fieldOf(plan)}(${whereOf(plan)} limit: 1000) { ${SELECTIONS[plan.kind]} } }`;
}

export function subscriptionOf(plan: Plan): string {
  if (isLive(plan)) return `subscription ${queryOf(plan)}`;
  const field = `${fieldOf(plan).slice(0, -1)}Changes`;
  const rows = (selection: string) => `changes { kind op key node { ${selection} } }`;
  const [own, below] =
    plan.kind === 'graph'
      ? ['id position', `related { comments { ${rows('id body')} links { kind parent child } } }`]
      : [SELECTIONS[plan.kind], ''];
  return `subscription ($after: String) { ${field}(${whereOf(plan)} after: $after) {
    cursor reset transaction { xid } ${rows(own)} ${below} } }`;
}

interface RawRow {
  readonly id: string;
  readonly position?: number;
  readonly name?: string;
  readonly body?: string;
  readonly comments?: readonly RawRow[];
}

interface RawChange {
  readonly kind: ToldRow['kind'];
  readonly op: string | null;
  readonly key: string;
  readonly node: RawRow | null;
}

interface RawMessage {
  readonly cursor: string;
  readonly reset: string | null;
  readonly transaction: { readonly xid: string } | null;
  readonly changes: readonly RawChange[];
  readonly related?: {
    readonly comments: {
      readonly changes: readonly RawChange[];
      readonly links: readonly {
        readonly kind: 'ENTER' | 'LEAVE';
        readonly parent: string;
        readonly child: string;
      }[];
    };
  };
}

/** The data of an answer to `queryOf`, or of a live query. */
export function readState(plan: Plan, data: Readonly<Record<string, unknown>>): State {
  const rows = new Map<string, number>();
  const links = new Set<string>();
  for (const row of data[fieldOf(plan)] as readonly RawRow[]) {
    rows.set(rowName(fieldOf(plan), row.id), versionOf(row));
    for (const comment of row.comments ?? []) {
      rows.set(rowName('comments', comment.id), versionOf(comment));
      links.add(`${row.id} → ${comment.id}`);
    }
  }
  return { rows, links };
}

/** The data of a message of `subscriptionOf`. */
export function readMessage(plan: Plan, data: Readonly<Record<string, unknown>>): Message {
  const raw = data[`${fieldOf(plan).slice(0, -1)}Changes`] as RawMessage;
  const comments = raw.related?.comments;
  return {
    cursor: raw.cursor,
    reset: raw.reset,
    xid: raw.transaction?.xid ?? null,
    rows: [
      ...raw.changes.map((change) => toldRow(fieldOf(plan), change)),
      ...(comments?.changes ?? []).map((change) => toldRow('comments', change)),
    ],
    links: (comments?.links ?? []).map(({ kind, parent, child }) => ({ kind, link: `${parent} → ${child}` })),
  };
}

function toldRow(table: LedgerTable, { kind, op, key, node }: RawChange): ToldRow {
  return { table, key, kind, op, version: node && versionOf(node) };
}

function versionOf({ position, name, body }: RawRow): number {
  return position ?? Number((name ?? body)!.slice(1));
}
