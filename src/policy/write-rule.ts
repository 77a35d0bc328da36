import { isPlainObject } from '../../shared/filter/parse-state.js';
import type { ModelColumn, ModelTable } from '../../shared/model/types.js';
import { presetColumns } from './preset.js';
import { writtenColumn } from './written-column.js';

export type WriteAction = 'insert' | 'update';

/** The long form of a table's `insert` or `update`, not yet checked. */
export interface WriteRuleParts {
  readonly check: unknown;
  readonly columns?: unknown;
  readonly preset?: unknown;
}

/** The static part of a table's rule for a write. */
export interface WriteAccess {
  /** The rule in its short form. */
  readonly check: unknown;
  readonly preset: unknown;
  /** The columns that `preset` sets; `undefined`: its function did not say without a context. */
  readonly presetColumns: ReadonlySet<ModelColumn> | undefined;
  /** The columns that a client may set, as far as column rules let it. */
  readonly settable: ReadonlySet<ModelColumn>;
}

const PARTS = ['check', 'columns', 'preset'];

/**
 * The parts of a rule in its long form; `undefined`: it is in the short form (a boolean, a filter
 * or a function).
 *
 * An object with a `check` is the long form, unless the table has a column or relation of that
 * name. There it is the long form if it has `columns` or `preset` beside it, a filter if it has
 * anything else beside it, and ambiguous if it has neither. Throws, with the way out, where it is
 * ambiguous, and where a long form lacks its `check` or has other parts.
 */
export function writeRuleOf(table: ModelTable, rule: unknown): WriteRuleParts | undefined {
  if (!isPlainObject(rule)) return undefined;
  const isField = (name: string) => (table.findColumn(name) ?? table.findRelation(name)) !== undefined;
  const names = Reflect.ownKeys(rule).map(String);
  const isMarked = names.some((name) => (name === 'columns' || name === 'preset') && !isField(name));
  if (!names.includes('check')) {
    if (isMarked) throw new TypeError('the long form needs a `check`; say `check: true` for every row');
    return undefined;
  }
  if (isField('check') && !isMarked) {
    if (names.some((name) => !PARTS.includes(name))) return undefined;
    throw new TypeError(
      'the table has a field `check`, so this may be a filter or the long form; write `{ AND: [{ check: … }] }` for the filter, and add `columns` for the long form',
    );
  }
  const unknown = names.filter((name) => !PARTS.includes(name));
  if (unknown.length > 0)
    throw new TypeError(`there is no ${unknown.join(', ')} beside \`check\`; there are columns, preset`);
  return rule as unknown as WriteRuleParts;
}

/** The static part of the rule. Throws where the long form has not the shape of one. */
export function writeAccessOf(table: ModelTable, action: WriteAction, rule: unknown): WriteAccess {
  const parts = writeRuleOf(table, rule);
  if (!parts) {
    const settable = defaultColumns(table, action);
    return { check: rule, preset: undefined, presetColumns: new Set(), settable };
  }
  const { check, preset } = parts;
  const named = parts.columns === undefined ? undefined : namedColumns(table, parts.columns);
  const set = preset === undefined ? new Set<ModelColumn>() : presetColumns(table, preset);
  if (set === undefined && !named) {
    throw new TypeError(
      'the columns of `preset` depend on the context; write it as an object of functions, `{ authorId: ({ userId }) => userId }`, or say `columns`',
    );
  }
  const both = [...(named ?? [])].filter((column) => set?.has(column));
  if (both.length > 0) throw new TypeError(`${listOf(both)}: both in \`columns\` and in \`preset\``);
  const settable = [...(named ?? defaultColumns(table, action))].filter((column) => !set?.has(column));
  return { check, preset, presetColumns: set, settable: new Set(settable) };
}

const known = new WeakMap<ModelTable, Map<string, readonly [rule: unknown, access: WriteAccess]>>();

/** The same, made once for as long as the rule is the same. */
export function knownAccess(table: ModelTable, action: WriteAction, rule: unknown): WriteAccess {
  const rules = known.get(table) ?? new Map<string, readonly [unknown, WriteAccess]>();
  known.set(table, rules);
  const found = rules.get(action);
  if (found && found[0] === rule) return found[1];
  const access = writeAccessOf(table, action, rule);
  rules.set(action, [rule, access]);
  return access;
}

/**
 * Keys name a row for ever, and a key ahead of its sequence would block those that the sequence
 * gives.
 */
function defaultColumns(table: ModelTable, action: WriteAction): ReadonlySet<ModelColumn> {
  const isOpen = (column: ModelColumn) => {
    if (column.generated === 'always') return false;
    return !column.isKey || (action === 'insert' && !column.isFedBySequence);
  };
  return new Set(table.columns.filter(isOpen));
}

function namedColumns(table: ModelTable, names: unknown): ReadonlySet<ModelColumn> {
  if (!Array.isArray(names)) throw new TypeError('`columns` must be an array of column names');
  const columns = names.map((name: unknown) => writtenColumn(table, name, 'columns'));
  return new Set(columns);
}

function listOf(columns: readonly ModelColumn[]): string {
  return columns.map(({ name }) => name).join(', ');
}
