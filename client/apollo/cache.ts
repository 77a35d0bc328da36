import type { InMemoryCacheConfig, TypePolicies } from '@apollo/client';
import type { Manifest } from '../../src/manifest/types.js';

/**
 * Options for `new InMemoryCache(…)`: rows are told apart by `id`, lists are replaced by what the server or a live query says, and
 * what is no row is kept where it was found. Put your own `typePolicies` beside them.
 */
export function rivuletCacheConfig(
  manifest: Manifest,
): InMemoryCacheConfig & { readonly typePolicies: TypePolicies } {
  const typePolicies: Record<string, TypePolicies[string]> = {};
  for (const { typeName } of manifest.tables) {
    for (const suffix of ['Connection', 'Edge', 'Changes', 'Change', 'Image', 'Related', 'Scope']) {
      typePolicies[`${typeName}${suffix}`] = { keyFields: false };
    }
  }
  for (const { typeName, relations, fields } of manifest.tables) {
    const lists = relations.filter(({ kind }) => kind === 'many').map(({ name }) => name);
    typePolicies[typeName] = { fields: Object.fromEntries(lists.map((name) => [name, { merge: false }])) };
    const query = typePolicies.Query?.fields ?? {};
    typePolicies.Query = { fields: { ...query, [fields.many]: { merge: false } } };
  }
  return { typePolicies };
}
