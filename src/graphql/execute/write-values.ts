import { is, SQL } from 'drizzle-orm';
import { RivuletError } from '../../../shared/errors.js';
import type { ModelColumn, ModelTable } from '../../../shared/model/types.js';
import { drizzleColumn } from '../../model/drizzle.js';
import { forbidden } from '../../policy/guard-filter.js';
import type { PresetValues } from '../../policy/preset.js';
import type { AccessRights } from '../../policy/types.js';
import type { WriteAction } from '../../policy/write-rule.js';
import type { WrittenValues } from '../../query/write.js';
import { encodeValue, fromDrizzleValue } from '../../value/codec.js';

const NO_PRESETS: PresetValues = new Map();

/** A client's values for one row, by field name. */
export type ClientValues = Readonly<Record<string, unknown>>;

/**
 * The texts of a new row: the client's values, the presets of its rule, then Drizzle's `$default`
 * (or `$onUpdate` if the column has no default at all). Throws `COLUMN_FORBIDDEN` and
 * `VALUE_INVALID`.
 */
export function insertValues(
  rights: AccessRights,
  table: ModelTable,
  input: ClientValues,
  presets: PresetValues = NO_PRESETS,
): WrittenValues {
  const values = clientValues(rights, table, input, 'insert');
  for (const [column, text] of presets) values.set(column, text);
  for (const column of table.columns) {
    if (values.has(column) || column.generated === 'always') continue;
    const { defaultFn, onUpdateFn, default: constant } = drizzleColumn(column);
    const make = defaultFn ?? (constant === undefined ? onUpdateFn : undefined);
    if (make) values.set(column, encodedPreset(rights, table, column, make()));
  }
  return values;
}

/**
 * The texts to set: the client's values, the presets of its rule, then Drizzle's `$onUpdate`. Empty
 * if the client sent no value.
 */
export function updateValues(
  rights: AccessRights,
  table: ModelTable,
  input: ClientValues,
  presets: PresetValues = NO_PRESETS,
): WrittenValues {
  const values = clientValues(rights, table, input, 'update');
  if (values.size === 0) return values;
  for (const [column, text] of presets) values.set(column, text);
  for (const column of table.columns) {
    if (values.has(column) || column.generated === 'always') continue;
    const { onUpdateFn } = drizzleColumn(column);
    if (onUpdateFn) values.set(column, encodedPreset(rights, table, column, onUpdateFn()));
  }
  return values;
}

/** The columns that the client sent a value for, in any of the rows. */
export function sentColumns(table: ModelTable, inputs: readonly ClientValues[]): ReadonlySet<ModelColumn> {
  const names = inputs.flatMap((input) => Object.keys(input).filter((name) => input[name] !== undefined));
  return new Set(names.flatMap((name) => table.findField(name) ?? []));
}

function clientValues(
  rights: AccessRights,
  table: ModelTable,
  input: ClientValues,
  action: WriteAction,
): Map<ModelColumn, string | null> {
  const values = new Map<ModelColumn, string | null>();
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined) continue;
    const column = table.findField(name);
    if (!column) throw new TypeError(`no column ${name}`);
    if (!rights.canWriteColumn(table, column, action)) throw forbidden(table, column, 'write');
    values.set(column, value === null ? nullOf(column) : encoded(table, column, value));
  }
  return values;
}

/**
 * Null is NULL, except where a column that cannot be NULL can hold JSON's null: such a column shows
 * JSON's null as null.
 */
function nullOf(column: ModelColumn): string | null {
  return column.notNull && column.type.kind === 'json' ? 'null' : null;
}

function encoded(table: ModelTable, column: ModelColumn, value: unknown): string {
  try {
    return encodeValue(column.type, value);
  } catch (error) {
    if (!(error instanceof RivuletError)) throw error;
    const message = `${table.typeName}.${column.field}: ${error.message}`;
    throw new RivuletError(error.code, message, { ...error.details, field: column.field }, error);
  }
}

/**
 * A value of the schema's own code. Its error goes to the log, because the client may not know the
 * column.
 */
function encodedPreset(
  rights: AccessRights,
  table: ModelTable,
  column: ModelColumn,
  value: unknown,
): string | null {
  if (is(value, SQL)) {
    const name = rights.canReadColumn(table, column) ? `${table.typeName}.${column.field}` : table.typeName;
    throw new RivuletError(
      'DEFAULT_UNSUPPORTED',
      `The \`$default\` or \`$onUpdate\` of ${name} returns SQL`,
      rights.canReadColumn(table, column) ? { field: column.field } : {},
    );
  }
  try {
    return fromDrizzleValue(column, value);
  } catch (cause) {
    throw new Error(`the \`$default\` or \`$onUpdate\` of ${table.name}.${column.name} cannot be stored`, {
      cause,
    });
  }
}
