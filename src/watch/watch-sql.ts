import { INSTALL_LOCK_SQL, LOG_TABLE_SQL } from './log-table.js';
import { tableSql } from './trigger-sql.js';
import type { WatchPlan } from './types.js';

/** A part of what installs a plan. */
export interface WatchSection {
  /** The name of the installed part, on one line: the change log, or a table's watcher. */
  readonly name: string;
  readonly sql: string;
}

const HEADING = '-- rivulet: ';

/**
 * The change log first; each part can be run any number of times, and the same plan gives the same
 * texts.
 */
export function watchSections(plan: WatchPlan): readonly WatchSection[] {
  return [
    { name: 'the change log', sql: LOG_TABLE_SQL },
    ...plan.tables.map((table) => ({
      name: JSON.stringify([table.sqlSchema, table.sqlName]),
      sql: tableSql(table),
    })),
  ];
}

/**
 * A migration of some parts. It can be run any number of times, and by two at once when each runs
 * it in a transaction.
 */
export function sectionsSql(sections: readonly WatchSection[]): string {
  return [INSTALL_LOCK_SQL, ...sections.map(({ name, sql }) => `${HEADING}${name}\n${sql}`)].join('\n');
}

/** The parts that a text of `sectionsSql` has; none where it was made otherwise. */
export function readSections(text: string): readonly WatchSection[] {
  const [, ...parts] = text.split(`\n${HEADING}`);
  return parts.map((part) => {
    const end = part.indexOf('\n');
    return { name: part.slice(0, end), sql: part.slice(end + 1) };
  });
}

/** A migration that installs the change log and every watcher of the plan. */
export function watchSql(plan: WatchPlan): string {
  return sectionsSql(watchSections(plan));
}
