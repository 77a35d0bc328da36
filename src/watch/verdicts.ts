import type { ErrorCode } from '../../shared/errors.js';
import type { WatcherDrift } from './drift.js';
import type { TableFacts } from './table-facts.js';
import type { WatchedTable } from './types.js';

/**
 * One row of the table of decisions: a fact of the catalog, and what it means for a watched table.
 */
export interface VerdictRule {
  readonly code: ErrorCode;
  /**
   * `refused`: the table cannot be served right. `noted`: it is served, and its operator should
   * know.
   */
  readonly verdict: 'refused' | 'noted';
  /** As in `Drift`. */
  readonly effect: WatcherDrift['effect'];
  /** Triggers would not be made, or would fail writes: nothing is installed. */
  readonly preventsInstall?: true;
  /** The rest of a sentence that begins with the table's name, where the fact holds. */
  readonly finds: (facts: TableFacts, table: WatchedTable) => string | null;
  readonly next: string;
}

const KINDS: Readonly<Record<string, string>> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
  c: 'a composite type',
  S: 'a sequence',
};

const TABLE_KINDS: ReadonlySet<string> = new Set(['r', 'p']);

/** Every decision; the first refusal of a table is its code. */
export const VERDICT_RULES: readonly VerdictRule[] = [
  {
    code: 'TABLE_KIND_UNSUPPORTED',
    verdict: 'refused',
    effect: 'unseen',
    preventsInstall: true,
    finds: ({ kind, persistence }) =>
      persistence === 't'
        ? 'is a temporary table, which only one session sees'
        : TABLE_KINDS.has(kind)
          ? null
          : `is ${KINDS[kind] ?? 'no table'}, so changes of its rows fire no triggers`,
    next: 'Declare the tables that its rows come from, or declare it with `pgView`, and leave it out of the watchers.',
  },
  {
    code: 'TABLE_FOREIGN_PARTITION',
    verdict: 'refused',
    effect: 'unseen',
    preventsInstall: true,
    finds: ({ foreignPartitions: [first, ...others] }) =>
      first === undefined
        ? null
        : `has foreign tables as partitions (${[first, ...others].join(', ')}), to which PostgreSQL refuses writes where the table has triggers such as Rivulet's`,
    next: 'Detach those partitions, or leave the table out of the watchers and run `rivulet migrate --prune`.',
  },
  {
    code: 'TABLE_IS_PARTITION',
    verdict: 'refused',
    effect: 'unseen',
    finds: ({ partitionOf }) =>
      partitionOf === null
        ? null
        : `is a partition of ${partitionOf}: statements that name the one do not fire the triggers of the other`,
    next: 'Declare the partitioned table in its place.',
  },
  {
    code: 'TABLE_INHERITANCE',
    verdict: 'refused',
    effect: 'unseen',
    finds: ({ children, parents }) =>
      children.length > 0
        ? `has children by INHERITS (${children.join(', ')}): a query shows their rows, but statements that name a child fire no triggers of the parent`
        : parents.length > 0
          ? `inherits from ${parents.join(', ')}: statements that name the parent change its rows and fire none of its triggers`
          : null,
    next: 'Make it a partitioned table, or end the inheritance with `alter table … no inherit …`.',
  },
  {
    code: 'TABLE_UNLOGGED',
    verdict: 'refused',
    effect: 'unseen',
    finds: ({ persistence }) =>
      persistence === 'u' ? 'is unlogged: after a crash PostgreSQL empties it without firing triggers' : null,
    next: 'Run `alter table … set logged`, or leave it out of the watchers.',
  },
  {
    code: 'TABLE_PRIVILEGE_MISSING',
    verdict: 'refused',
    effect: 'unread',
    finds: ({ hasUsage, unreadable, role }, { sqlSchema, columns }) => {
      if (!hasUsage) return `cannot be read: the role ${role} lacks USAGE on schema ${sqlSchema}`;
      const lacking = columns.filter((column) => unreadable.includes(column));
      if (lacking.length === 0) return null;
      return `cannot be read: the role ${role} lacks SELECT on ${lacking.length === columns.length ? 'the table' : `its columns ${lacking.join(', ')}`}`;
    },
    next: "Grant it to the server's role, or connect as another.",
  },
  {
    code: 'TABLE_ROW_SECURITY',
    verdict: 'refused',
    effect: 'unread',
    finds: ({ isRowSecurityActive, role }) =>
      isRowSecurityActive
        ? `has row level security, and the role ${role} is subject to it: queries would hide rows that streams deliver`
        : null,
    next: "Let Rivulet's policies decide: connect as a role with BYPASSRLS (`alter role … bypassrls`) or as the owner, with `alter table … no force row level security`; or `alter table … disable row level security`.",
  },
  {
    code: 'COLUMN_TEXT_VARIES',
    verdict: 'refused',
    effect: 'unread',
    finds: ({ nameColumns }, { columns }) => {
      const found = columns.filter((column) => nameColumns.includes(column));
      return found.length === 0
        ? null
        : `has columns that name objects of the database (${found.join(', ')}): their text depends on search_path, and changes where such an object is renamed`;
    },
    next: 'Leave the columns out of the Drizzle table and the watchers, or make them text or oid.',
  },
  {
    code: 'ROW_SECURITY_BYPASSED',
    verdict: 'noted',
    effect: 'none',
    finds: ({ isRowSecurityEnabled, isRowSecurityActive, role }) =>
      isRowSecurityEnabled && !isRowSecurityActive
        ? `has row level security, which the role ${role} bypasses: Rivulet's policies decide who sees a row, and not those of the database`
        : null,
    next: "Make sure that Rivulet's policies say at least what those of the database do.",
  },
  {
    code: 'TABLE_RULES',
    verdict: 'noted',
    effect: 'none',
    finds: ({ rules }) =>
      rules.length > 0
        ? `has rules that rewrite writes (${rules.join(', ')}): what is written in the end is logged, but mutations of it may fail`
        : null,
    next: 'Use triggers in their place if mutations are to write it.',
  },
];

/**
 * The consequences of the facts for a watched table: refusals and notes, in the order of the rules.
 */
export function verdictsOf(
  table: WatchedTable,
  facts: TableFacts,
): readonly (Omit<WatcherDrift, 'table'> & { readonly code: ErrorCode })[] {
  return VERDICT_RULES.flatMap(({ code, verdict, effect, finds, next }) => {
    const found = finds(facts, table);
    if (found === null) return [];
    return [
      { kind: verdict, code, message: `${table.sqlSchema}.${table.sqlName} ${found}.`, mend: next, effect },
    ];
  });
}

/** Codes with which no trigger is made. */
export const PREVENTS_INSTALL: ReadonlySet<ErrorCode | undefined> = new Set(
  VERDICT_RULES.filter(({ preventsInstall }) => preventsInstall).map(({ code }) => code),
);
