import { EVERYTHING, NOTHING } from '../../shared/filter/normalize.js';
import { isPlainObject } from '../../shared/filter/parse-state.js';
import type { Filter } from '../../shared/filter/types.js';
import type { Model, ModelColumn, ModelTable } from '../../shared/model/types.js';
import { problemOfColumnRule } from './check-columns.js';
import { guardFilter } from './guard-filter.js';
import { parsePolicy } from './parse.js';
import { type PresetValues, presetValues } from './preset.js';
import { ignoreRejections, isPromise } from './promise.js';
import type { ColumnRules, Policies, TableRules } from './rules.js';
import type { AccessRights, PolicyAction } from './types.js';
import { knownAccess, type WriteAccess, type WriteAction } from './write-rule.js';

export interface ResolveOptions {
  /** Called when a policy function throws or returns no policy. Access is then denied. */
  readonly onFault?: (fault: PolicyFault) => void;
}

export interface PolicyFault {
  readonly table: string;
  /** `read`, `insert`, …, or `columns.email.read`. */
  readonly rule: string;
  readonly error: unknown;
}

/**
 * The rights of `context`. Policy functions are called when first needed, once a table and action,
 * and their result is kept: make new rights for each request, and when the context of a long-lived
 * one changes.
 */
export function resolveRights(
  model: Model,
  policies: Policies,
  context: unknown,
  options: ResolveOptions = {},
): AccessRights {
  return new ResolvedRights(model, policies, context, options.onFault ?? (() => {}));
}

const NO_PRESETS: PresetValues = new Map();

class ResolvedRights implements AccessRights {
  readonly #model: Model;
  readonly #policies: Policies;
  readonly #context: unknown;
  readonly #onFault: (fault: PolicyFault) => void;
  readonly #filters = new Map<string, Filter>();
  readonly #columns = new Map<ModelColumn, { read?: boolean; write?: boolean }>();

  constructor(model: Model, policies: Policies, context: unknown, onFault: (fault: PolicyFault) => void) {
    this.#model = model;
    this.#policies = policies;
    this.#context = context;
    this.#onFault = onFault;
  }

  isExposed(table: ModelTable): boolean {
    return this.#rules(table) !== undefined;
  }

  filter(table: ModelTable, action: PolicyAction): Filter {
    const key = `${action} ${table.name}`;
    let filter = this.#filters.get(key);
    if (filter === undefined) {
      filter = this.#resolve(table, action);
      this.#filters.set(key, filter);
    }
    return filter;
  }

  canReadColumn(table: ModelTable, column: ModelColumn): boolean {
    return column.isKey || this.#column(table, column, 'read');
  }

  canWriteColumn(table: ModelTable, column: ModelColumn, action: WriteAction): boolean {
    if (column.generated === 'always' || !this.#column(table, column, 'write')) return false;
    return this.#access(table, action)?.settable.has(column) ?? false;
  }

  presets(table: ModelTable, action: WriteAction): PresetValues | undefined {
    const access = this.#access(table, action);
    if (access === undefined) return undefined;
    if (access.preset === undefined) return NO_PRESETS;
    try {
      return presetValues(table, access, this.#context);
    } catch (error) {
      this.#onFault({ table: table.name, rule: `${action}.preset`, error });
      return undefined;
    }
  }

  refersFreely(table: ModelTable, column: ModelColumn): boolean {
    const columns: Readonly<Record<string, ColumnRules>> = this.#rules(table)?.columns ?? {};
    return Object.hasOwn(columns, column.name) && columns[column.name]?.references === 'any';
  }

  guard(table: ModelTable, filter: Filter): Filter {
    return guardFilter(this.#model, this, table, filter);
  }

  #rules(table: ModelTable): TableRules | undefined {
    return Object.hasOwn(this.#policies, table.name) ? this.#policies[table.name] : undefined;
  }

  /** `undefined`: the rule has not the shape of one. */
  #access(table: ModelTable, action: WriteAction): WriteAccess | undefined {
    const rule = this.#rules(table)?.[action] ?? false;
    try {
      return knownAccess(table, action, rule);
    } catch (error) {
      this.#onFault({ table: table.name, rule: action, error });
      return undefined;
    }
  }

  #resolve(table: ModelTable, action: PolicyAction): Filter {
    const rule = this.#rules(table)?.[action] ?? false;
    let answer: unknown;
    try {
      const isWrite = action === 'insert' || action === 'update';
      answer = this.#ask(isWrite ? knownAccess(table, action, rule).check : rule);
      if (answer === true) return EVERYTHING;
      if (answer === false) return NOTHING;
      return parsePolicy(this.#model, table, action, answer);
    } catch (error) {
      ignoreRejections(answer);
      this.#onFault({ table: table.name, rule: action, error });
      return NOTHING;
    }
  }

  #column(table: ModelTable, column: ModelColumn, access: 'read' | 'write'): boolean {
    let known = this.#columns.get(column);
    if (known === undefined) {
      known = {};
      this.#columns.set(column, known);
    }
    known[access] ??= this.#resolveColumn(table, column, access);
    return known[access];
  }

  #resolveColumn(table: ModelTable, column: ModelColumn, access: 'read' | 'write'): boolean {
    const rules = this.#rules(table);
    if (!rules) return false;
    try {
      const rule = columnRule(table, column, rules.columns)?.[access];
      if (rule === undefined) return true;
      const answer = this.#ask(rule);
      ignoreRejections(answer);
      if (isPromise(answer)) throw new TypeError('a column rule gave a promise: it must be synchronous');
      if (typeof answer !== 'boolean') throw new TypeError('a column rule must return a boolean');
      return answer;
    } catch (error) {
      this.#onFault({ table: table.name, rule: `columns.${column.name}.${access}`, error });
      return false;
    }
  }

  #ask(rule: unknown): unknown {
    return typeof rule === 'function' ? rule(this.#context) : rule;
  }
}

/** Throws where the rule has not the shape of one: it was to hide something. */
function columnRule(table: ModelTable, column: ModelColumn, columns: unknown): ColumnRules | undefined {
  if (columns === undefined) return undefined;
  const place = `policies.${table.name}.columns`;
  if (!isPlainObject(columns)) throw new TypeError(`${place} must be an object of rules by column`);
  if (!Object.hasOwn(columns, column.name)) return undefined;
  const rule = columns[column.name];
  const problem = problemOfColumnRule(table, column, rule);
  if (problem !== undefined) throw new TypeError(`${place}.${column.name}${problem}`);
  return rule as ColumnRules;
}
