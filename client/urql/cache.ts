import type { KeyingConfig, UpdatesConfig } from '@urql/exchange-graphcache';
import type { Manifest } from '../../src/manifest/types.js';

/**
 * Graphcache's `keys`: rows have a field `id`, which Graphcache takes by itself; everything else that a Rivulet schema has is no entity
 * and is kept where it was found.
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
  for (const { typeName } of manifest.tables) delete keys[typeName];
  return keys;
}

/**
 * Graphcache's `updates` for what creates rows: nothing. Without them Graphcache forgets every list of a table whose row was created, so
 * that each is fetched again.
 */
export function rivuletUpdates(manifest: Manifest): UpdatesConfig {
  const nothing = () => {};
  const fields = manifest.tables.flatMap(({ fields: { one, many } }) => [one, many]);
  return { Mutation: Object.fromEntries(fields.map((name) => [`create${upperFirst(name)}`, nothing])) };
}

function upperFirst(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** Options for `cacheExchange` of Graphcache; add your own `updates`, `optimistic` and so on beside them. */
export function rivuletCache({ manifest }: { readonly manifest: Manifest }): {
  readonly keys: KeyingConfig;
  readonly updates: UpdatesConfig;
} {
  return { keys: rivuletKeys(manifest), updates: rivuletUpdates(manifest) };
}
