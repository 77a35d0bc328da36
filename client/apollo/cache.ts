import type { FieldPolicy, InMemoryCacheConfig, TypePolicies } from '@apollo/client';
import type { Manifest } from '../../shared/manifest/types.js';
import { readManifest } from '../core/index.js';
import { idOf } from '../core/lists/index.js';
import { readNodeId } from '../core/live/index.js';

/**
 * Options for `new InMemoryCache(…)`: rows are told apart by `id`, lists are replaced by what the
 * server or a live query says, a row that is cached is found by its key, and what is no row is kept
 * where it was found. Put your own `typePolicies` beside them.
 */
export function rivuletCacheConfig(
  manifest: Manifest,
): InMemoryCacheConfig & { readonly typePolicies: TypePolicies } {
  const schema = readManifest(manifest);
  const typePolicies: Record<string, TypePolicies[string]> = {};
  for (const { typeName } of manifest.tables) {
    for (const suffix of ['Connection', 'Edge', 'Changes', 'Change', 'Image', 'Related', 'Scope']) {
      typePolicies[`${typeName}${suffix}`] = { keyFields: false };
    }
  }
  const query: Record<string, FieldPolicy> = {
    node: cached((args) => {
      const named = typeof args.nodeId === 'string' ? readNodeId(schema, args.nodeId) : undefined;
      return named && idOf(schema, { table: named.table.name, key: named.key });
    }),
  };
  for (const { name, typeName, relations, fields } of manifest.tables) {
    const lists = relations.filter(({ kind }) => kind === 'many').map((relation) => relation.name);
    typePolicies[typeName] = { fields: Object.fromEntries(lists.map((list) => [list, { merge: false }])) };
    query[fields.many] = { merge: false };
    query[fields.one] = cached(({ id }) =>
      typeof id === 'string' || typeof id === 'number'
        ? idOf(schema, { table: name, key: String(id) })
        : undefined,
    );
  }
  typePolicies.Query = { fields: query };
  return { typePolicies };
}

/**
 * The cached value of the field wins, also if it says that there is no such row. Missing columns
 * are fetched.
 */
function cached(idFor: (args: Readonly<Record<string, unknown>>) => string | undefined): FieldPolicy {
  return {
    read: (existing, { args, toReference, canRead }) => {
      if (existing !== undefined) return existing;
      const id = idFor(args ?? {});
      const reference = id === undefined ? undefined : toReference(id);
      return canRead(reference) ? reference : undefined;
    },
  };
}
