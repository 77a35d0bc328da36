import type { KeyingConfig, ResolverConfig, UpdatesConfig } from '@urql/exchange-graphcache';
import type { Manifest } from '../../shared/manifest/types.js';
import { rivuletResolvers } from './resolvers.js';
import { rivuletUpdates } from './updates.js';

/**
 * Graphcache's `keys`: rows have a field `id`, which `rivuletExchange` asks for where the document
 * does not; everything else that a Rivulet schema has is no entity and is kept where it was found.
 */
export function rivuletKeys(manifest: Manifest): KeyingConfig {
  const none = () => null;
  const keys: KeyingConfig = { PageInfo: none, Link: none, ChangeTransaction: none };
  for (const { typeName } of manifest.tables) {
    for (const suffix of ['Connection', 'Edge', 'Changes', 'Change', 'Image', 'Related', 'Scope']) {
      keys[`${typeName}${suffix}`] ??= none;
    }
  }
  // A table may be called like one of these.
  for (const { typeName } of manifest.tables) keys[typeName] = keyOfRow;
  return keys;
}

/** Under another name the exchange asks for it where `id` is something else. */
export function keyOfRow({ rivulet_id: asked, id }: Readonly<Record<string, unknown>>): string | null {
  const key = asked ?? id;
  return typeof key === 'string' || typeof key === 'number' ? String(key) : null;
}

/**
 * Options for `cacheExchange` of Graphcache; add your own `optimistic` and so on beside them. For
 * one cache: what its lists are is remembered here.
 */
export function rivuletCache({ manifest }: { readonly manifest: Manifest }): {
  readonly keys: KeyingConfig;
  readonly resolvers: ResolverConfig;
  readonly updates: UpdatesConfig;
} {
  return {
    keys: rivuletKeys(manifest),
    resolvers: rivuletResolvers(manifest),
    updates: rivuletUpdates(manifest),
  };
}
