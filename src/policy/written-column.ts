import type { ModelColumn, ModelTable } from '../../shared/model/types.js';

/** The column that a part of a write rule names. Throws unless there is one that can be written. */
export function writtenColumn(table: ModelTable, name: unknown, part: string): ModelColumn {
  const column = typeof name === 'string' ? table.findColumn(name) : undefined;
  if (!column) {
    const known = table.columns.map((each) => each.name).join(', ');
    throw new TypeError(`\`${part}\`: there is no column ${String(name)}; there are ${known}`);
  }
  if (column.generated === 'always') throw new TypeError(`\`${part}\`: ${column.name} is generated`);
  return column;
}
