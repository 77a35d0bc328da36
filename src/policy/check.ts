import { RivuletError } from '../errors.js';
import type { Model, ModelTable } from '../model/types.js';
import { parsePolicy } from './parse.js';
import type { Policies, TableRules } from './rules.js';
import type { Action } from './types.js';

const ACTIONS: readonly Action[] = ['read', 'insert', 'update', 'delete'];
const RULES = new Set<string>([...ACTIONS, 'columns']);

/**
 * Finds what a policy object names that is not there: a misspelt table, action or column would otherwise deny, or show, in silence. A filter that is
 * no function is read too.
 * Throws `POLICY_INVALID` with every problem.
 */
export function checkPolicies(model: Model, policies: Policies): void {
  const problems: string[] = [];
  for (const [name, rules] of Object.entries(policies)) {
    const table = model.find(name);
    if (!table) problems.push(`policies.${name}: there is no such table; there are ${listOf(model.tables)}`);
    else problems.push(...problemsOf(model, table, rules));
  }
  if (problems.length === 0) return;
  throw new RivuletError('POLICY_INVALID', `The policies have problems:\n- ${problems.join('\n- ')}`, {
    problems,
  });
}

function problemsOf(model: Model, table: ModelTable, rules: TableRules): readonly string[] {
  const place = `policies.${table.name}`;
  if (typeof rules !== 'object' || rules === null) return [`${place}: must be an object of rules`];
  const problems: string[] = [];
  for (const rule of Object.keys(rules)) {
    if (!RULES.has(rule))
      problems.push(`${place}.${rule}: there is no such rule; there are ${[...RULES].join(', ')}`);
  }
  for (const action of ACTIONS) {
    const rule = rules[action];
    if (typeof rule !== 'object') continue;
    try {
      parsePolicy(model, table, action, rule);
    } catch (error) {
      problems.push(`${place}.${action}: ${(error as Error).message}`);
    }
  }
  for (const [name, column] of Object.entries(rules.columns ?? {})) {
    const found = table.findColumn(name);
    if (!found) {
      problems.push(`${place}.columns.${name}: there is no such column; there are ${listOf(table.columns)}`);
    } else if (found.isKey && column.read !== undefined && column.read !== true) {
      problems.push(`${place}.columns.${name}: the primary key cannot be hidden, it is the row's id`);
    }
  }
  return problems;
}

function listOf(things: readonly { readonly name: string }[]): string {
  return things.map((thing) => thing.name).join(', ');
}
