import type { StatementParams } from '../sql/statement.js';

/**
 * `column = any (xids)`, as a boolean SQL expression. The list is read once, in a sub-select: as a
 * mere parameter the planner would read its text again for each row that it looks at, and with it
 * in hand it takes the log for small and looks at every row.
 */
export function amongSql(column: string, xids: Iterable<bigint>, params: StatementParams): string {
  return `${column} = any ((select ${params.cast(`{${[...xids].join(',')}}`, 'xid8[]')})::xid8[])`;
}
