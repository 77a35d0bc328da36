import { RivuletError } from '../../shared/errors.js';
import { isPlainObject } from '../../shared/filter/parse-state.js';
import type { Model, ModelTable } from '../../shared/model/types.js';
import { problemsOfColumns } from './check-columns.js';
import { problemsOfRule } from './check-rule.js';
import { problemsOfWriteRule } from './check-write-rule.js';
import type { Policies } from './rules.js';
import type { PolicyAction } from './types.js';

const ACTIONS: readonly PolicyAction[] = ['read', 'insert', 'update', 'delete'];
const RULES = new Set<string>([...ACTIONS, 'columns']);

/**
 * Finds what a policy object names that is not there, and what is no rule: a misspelt table, action
 * or column would otherwise deny, or show, in silence. A filter that is no function is read too,
 * strictly (see `parsePolicy`). Throws `POLICY_INVALID` with every problem.
 */
export function checkPolicies(model: Model, policies: Policies): void {
  const problems: string[] = [];
  if (!isPlainObject(policies)) problems.push('policies: must be an object of rules by table');
  else {
    for (const [name, rules] of Object.entries(policies)) {
      const table = model.find(name);
      if (!table)
        problems.push(`policies.${name}: there is no such table; there are ${listOf(model.tables)}`);
      else problems.push(...problemsOf(model, table, rules));
    }
  }
  if (problems.length === 0) return;
  throw new RivuletError('POLICY_INVALID', `The policies have problems:\n- ${problems.join('\n- ')}`, {
    problems,
  });
}

function problemsOf(model: Model, table: ModelTable, rules: unknown): readonly string[] {
  const place = `policies.${table.name}`;
  if (!isPlainObject(rules)) return [`${place}: must be an object of rules`];
  const problems: string[] = [];
  for (const rule of Reflect.ownKeys(rules).map(String)) {
    if (!RULES.has(rule))
      problems.push(`${place}.${rule}: there is no such rule; there are ${[...RULES].join(', ')}`);
  }
  for (const action of ACTIONS) {
    const rule = rules[action];
    if (rule === undefined) continue;
    const isWrite = action === 'insert' || action === 'update';
    problems.push(...(isWrite ? problemsOfWriteRule : problemsOfRule)(model, table, action as never, rule));
  }
  if ('columns' in rules) problems.push(...problemsOfColumns(table, rules.columns));
  return problems;
}

function listOf(things: readonly { readonly name: string }[]): string {
  return things.map((thing) => thing.name).join(', ');
}
