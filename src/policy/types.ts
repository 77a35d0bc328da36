import type { Filter } from '../../shared/filter/types.js';
import type { ModelColumn, ModelTable } from '../../shared/model/types.js';
import type { PresetValues } from './preset.js';
import type { WriteAction } from './write-rule.js';

export type PolicyAction = 'read' | 'insert' | 'update' | 'delete';

/**
 * The rights of one context, resolved lazily, table by table, and remembered. A policy function
 * that throws, or returns anything but a filter or a boolean, denies.
 */
export interface AccessRights {
  /** False where the table has no policy at all: for clients it does not exist. */
  isExposed(table: ModelTable): boolean;
  /**
   * The rows on which the action is allowed; `{ kind: 'const', value: false }` where it is denied.
   */
  filter(table: ModelTable, action: PolicyAction): Filter;
  canReadColumn(table: ModelTable, column: ModelColumn): boolean;
  /** True where a client may set the column by this write. */
  canWriteColumn(table: ModelTable, column: ModelColumn, action: WriteAction): boolean;
  /**
   * The values that the rule sets in place of the client. `undefined`: it failed, and nothing may
   * be written.
   */
  presets(table: ModelTable, action: WriteAction): PresetValues | undefined;
  /** True where a client may refer to rows that it may not read. */
  refersFreely(table: ModelTable, column: ModelColumn): boolean;
  /**
   * `filter`, with every relation that it passes through narrowed to the rows (and junction rows)
   * that may be read, so that a client's filter cannot ask about what the client may not see.
   * Throws `COLUMN_FORBIDDEN` on a hidden column.
   */
  guard(table: ModelTable, filter: Filter): Filter;
}
