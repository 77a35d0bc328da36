import { isPlainObject } from '../../shared/filter/parse-state.js';
import type { ModelColumn, ModelTable } from '../../shared/model/types.js';
import { isAsync } from './check-rule.js';

const ACCESSES = ['read', 'write'];

/**
 * The problems of a table's `columns`. A column without a rule is read and written with its row, so
 * a rule of the wrong shape would show what it was to hide.
 */
export function problemsOfColumns(table: ModelTable, columns: unknown): readonly string[] {
  const place = `policies.${table.name}.columns`;
  if (!isPlainObject(columns)) return [`${place}: must be an object of rules by column`];
  return Reflect.ownKeys(columns).flatMap((name) => {
    const column = typeof name === 'string' ? table.findColumn(name) : undefined;
    if (!column) {
      const known = table.columns.map((known) => known.name).join(', ');
      return [`${place}.${String(name)}: there is no such column; there are ${known}`];
    }
    return problemsOf(table, column, columns[column.name]).map(
      (problem) => `${place}.${column.name}${problem}`,
    );
  });
}

/**
 * The reason why this is no column rule; `undefined` if it is one. For rules that were not checked
 * at start.
 */
export function problemOfColumnRule(
  table: ModelTable,
  column: ModelColumn,
  rule: unknown,
): string | undefined {
  return problemsOf(table, column, rule)[0];
}

function problemsOf(table: ModelTable, column: ModelColumn, rule: unknown): readonly string[] {
  const shape = 'a rule is { read, write }, each a boolean or a function';
  if (!isPlainObject(rule)) return [`: ${shape}`];
  const names = Reflect.ownKeys(rule);
  if (names.length === 0) return [`: the rule is empty; ${shape}`];
  const problems: string[] = [];
  for (const name of names) {
    if (name === 'references') {
      problems.push(...problemsOfReferences(table, column, rule.references));
      continue;
    }
    if (typeof name === 'symbol' || !ACCESSES.includes(name)) {
      problems.push(`.${String(name)}: there is no such rule; there are ${ACCESSES.join(', ')}, references`);
      continue;
    }
    const access = rule[name];
    if (isAsync(access)) problems.push(`.${name}: must be synchronous`);
    else if (typeof access !== 'boolean' && typeof access !== 'function')
      problems.push(`.${name}: must be a boolean or a function`);
  }
  if (column.isKey && rule.read !== undefined && rule.read !== true)
    problems.push(': the primary key cannot be hidden, it is the row’s id');
  return problems;
}

function problemsOfReferences(table: ModelTable, column: ModelColumn, value: unknown): readonly string[] {
  if (value !== 'any') return [".references: must be 'any'; without it a client refers to what it may read"];
  if (table.parents.some(({ from }) => from.includes(column))) return [];
  return ['.references: the column refers to no row, by a foreign key or a relation'];
}
