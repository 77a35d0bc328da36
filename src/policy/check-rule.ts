import type { Model, ModelTable } from '../../shared/model/types.js';
import { parsePolicy } from './parse.js';
import type { PolicyAction } from './types.js';

/**
 * The problems of one action's rule: a boolean, a filter that is read now, or a function that is
 * called later.
 */
export function problemsOfRule(
  model: Model,
  table: ModelTable,
  action: PolicyAction,
  rule: unknown,
): readonly string[] {
  const place = `policies.${table.name}.${action}`;
  if (typeof rule === 'boolean') return [];
  if (isAsync(rule)) return [`${place}: must be synchronous; read what it waits for in \`context\``];
  if (typeof rule === 'function') return [];
  try {
    parsePolicy(model, table, action, rule);
    return [];
  } catch (error) {
    return [`${place}: ${(error as Error).message}`];
  }
}

/** Functions of which the answer would be a promise or a generator. */
export function isAsync(rule: unknown): boolean {
  if (typeof rule !== 'function') return false;
  return /^\[object (?:Async|Generator|AsyncGenerator)Function\]$/.test(Object.prototype.toString.call(rule));
}
