import type { ColumnType, ModelTable } from '../../shared/model/types.js';
import { isReadableAs, typeName } from '../model/type-names.js';
import type { InstalledTable } from './catalog.js';
import { GENERATE, MIGRATE, type WatcherDrift } from './drift.js';
import type { WatchedTable } from './types.js';

export type TableDrift = Omit<WatcherDrift, 'table'>;

const MIGRATE_OR_DESCRIBE = `${MIGRATE} Where the schema is behind: bring it up to the database, then \`rivulet generate\`.`;

/**
 * The differences between a table and the schema: columns, types, labels, key. `model` is set if a
 * schema describes the table.
 */
export function columnDrifts(
  table: WatchedTable,
  found: InstalledTable | undefined,
  model: ModelTable | undefined,
): readonly TableDrift[] {
  const display = `${table.sqlSchema}.${table.sqlName}`;
  if (!found) {
    const message = `The table ${display} does not exist.`;
    return [{ kind: 'table-missing', message, mend: MIGRATE, effect: 'unseen' }];
  }
  const drifts: TableDrift[] = [];
  const absent = table.columns.filter((column) => !found.columns.has(column));
  if (absent.length > 0) {
    const message = `The table ${display} has no column ${absent.join(', ')}.`;
    drifts.push({ kind: 'table-missing', message, mend: MIGRATE, effect: 'unread' });
  }
  for (const [at, name] of table.columns.entries()) {
    const column = model?.columns.find(({ sqlName }) => sqlName === name);
    const declared = column ? typeName(column) : (table.types[at] ?? null);
    const actual = found.columns.get(name) ?? null;
    if (!isReadableAs(declared, actual)) {
      const message = `The column ${display}.${name} is ${actual}; the schema says ${declared}.`;
      drifts.push({ kind: 'column-type', message, mend: MIGRATE_OR_DESCRIBE, effect: 'unread' });
    }
  }
  return [
    ...drifts,
    ...labelDrifts(display, found, model),
    ...keyDrifts(display, table, found),
    ...replicationDrifts(display, found),
  ];
}

function labelDrifts(
  display: string,
  found: InstalledTable,
  model: ModelTable | undefined,
): readonly TableDrift[] {
  const drifts = new Map<string, TableDrift>();
  for (const { type } of model?.columns ?? []) {
    const item: ColumnType = type.kind === 'array' ? type.of : type;
    if (item.kind !== 'enum') continue;
    const labels = found.labels.get(`"${item.sqlSchema}"."${item.sqlName}"`);
    const unknown = (labels ?? []).filter((label) => !item.values.includes(label));
    if (unknown.length === 0) continue;
    const message = `The enum ${item.sqlSchema}.${item.sqlName} of ${display} has labels that the schema does not know: ${unknown.join(', ')}.`;
    const mend =
      'Add them to the schema and start the server anew; until then rows that have one cannot be shown.';
    drifts.set(message, { kind: 'labels', message, mend, effect: 'none' });
  }
  return [...drifts.values()];
}

function keyDrifts(display: string, table: WatchedTable, found: InstalledTable): readonly TableDrift[] {
  if (table.key.some((column) => !found.columns.has(column))) return [];
  if (found.keys.some((columns) => columns.every((column) => table.key.includes(column)))) return [];
  const message = `No unique index of ${display} is on ${table.key.join(', ')} alone, by which the schema tells its rows apart.`;
  const mend = 'Make it the primary key again, or change the key in the schema, then `rivulet generate`.';
  return [{ kind: 'key', code: 'TABLE_KEY_NOT_UNIQUE', message, mend, effect: 'unread' }];
}

function replicationDrifts(display: string, found: InstalledTable): readonly TableDrift[] {
  if (!found.isReplicated) return [];
  const message = `Rows of ${display} come by logical replication, which fires no triggers for statements: they are not logged.`;
  const mend = 'Watch the table in the database that publishes it.';
  return [{ kind: 'replicated', message, mend, effect: 'unseen' }];
}

/**
 * The use of a watcher with another declaration, of which this is the shape, for this one. Deploys
 * need it: watchers of a newer schema are installed while servers of the older one run.
 */
export function otherWatcher(
  table: WatchedTable,
  shape: {
    readonly columns: readonly string[];
    readonly types: readonly (string | null)[] | null;
    readonly key: readonly string[];
    readonly onlyColumns: readonly string[] | null;
  },
): TableDrift {
  const display = `${table.sqlSchema}.${table.sqlName}`;
  const missing = table.columns.filter((column) => !shape.columns.includes(column));
  const unread = table.columns.filter((column, at) => {
    const actual = shape.types?.[shape.columns.indexOf(column)] ?? null;
    return !missing.includes(column) && !isReadableAs(table.types[at] ?? null, actual);
  });
  const isKeyed = JSON.stringify(shape.key) === JSON.stringify(table.key);
  const { onlyColumns } = shape;
  const isNarrow =
    onlyColumns !== null && !(table.onlyColumns?.every((each) => onlyColumns.includes(each)) ?? false);
  if (isNarrow) {
    const message = `The watcher of ${display} logs updates of ${onlyColumns.join(', ')} only.`;
    return { kind: 'altered', message, mend: GENERATE, effect: 'unseen' };
  }
  if (missing.length > 0 || unread.length > 0 || !isKeyed) {
    const what = [...missing, ...unread];
    const message = `The watcher of ${display} logs other columns than the schema has${what.length > 0 ? ` (${what.join(', ')})` : ''}.`;
    return { kind: 'altered', message, mend: GENERATE, effect: 'unread' };
  }
  const message = `The watcher of ${display} is that of another schema, and logs all that this one has.`;
  return { kind: 'other', message, mend: GENERATE, effect: 'none' };
}
