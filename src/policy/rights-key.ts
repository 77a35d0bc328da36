import { filterKey } from '../../shared/filter/normalize.js';
import type { ModelTable } from '../../shared/model/types.js';
import type { AccessRights } from './types.js';

/**
 * The parts of these tables that these rights may read, as canonical text: two contexts with the
 * same text see the same rows and columns and may share one execution.
 */
export function rightsKey(rights: AccessRights, tables: Iterable<ModelTable>): string {
  const sorted = [...new Set(tables)].sort((a, b) => (a.name < b.name ? -1 : 1));
  return JSON.stringify(
    sorted.map((table) => {
      if (!rights.isExposed(table)) return [table.name];
      const hidden = table.columns.filter((column) => !rights.canReadColumn(table, column));
      return [table.name, filterKey(rights.filter(table, 'read')), hidden.map((column) => column.name)];
    }),
  );
}
