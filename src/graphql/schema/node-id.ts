import { RivuletError } from '../../../shared/errors.js';
import type { ModelTable } from '../../../shared/model/types.js';

/** An id among the rows of all tables: type and key, URL-safe. */
export function encodeNodeId(table: ModelTable, key: string): string {
  return Buffer.from(`${table.typeName}:${key}`, 'utf8').toString('base64url');
}

/**
 * Reads a `nodeId`; throws `NODE_ID_INVALID` on anything else, and on types that do not exist for
 * clients.
 */
export function decodeNodeId(
  tables: readonly ModelTable[],
  nodeId: string,
): { readonly table: ModelTable; readonly key: string } {
  const text = Buffer.from(nodeId, 'base64url').toString('utf8');
  const colon = text.indexOf(':');
  const table = tables.find((each) => each.typeName === text.slice(0, colon));
  if (colon < 1 || !table || encodeNodeId(table, text.slice(colon + 1)) !== nodeId) {
    throw new RivuletError('NODE_ID_INVALID', 'This is not a nodeId');
  }
  return { table, key: text.slice(colon + 1) };
}
