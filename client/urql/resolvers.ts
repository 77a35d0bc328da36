import type { Cache, ResolverConfig } from '@urql/exchange-graphcache';
import type { Manifest } from '../../shared/manifest/types.js';
import { type ClientSchema, readManifest } from '../core/index.js';
import { idOf } from '../core/lists/index.js';
import { readNodeId } from '../core/live/index.js';

/**
 * Graphcache's `resolvers`: `task(id:)` and `node(nodeId:)` show a row that is in the cache,
 * whichever query brought it. What the cache was told of the field itself comes first, also that
 * there is no such row; columns that are missing are asked for.
 */
export function rivuletResolvers(manifest: Manifest): ResolverConfig {
  const schema = readManifest(manifest);
  const fields = Object.fromEntries(
    schema.manifest.tables.map(({ name, fields: { one } }) => [
      one,
      (_parent: unknown, args: Readonly<Record<string, unknown>>, cache: Cache) =>
        cached(cache, one, args, rowId(schema, name, args.id)),
    ]),
  );
  return {
    Query: {
      ...fields,
      node: (_parent, args, cache) => {
        const named = typeof args.nodeId === 'string' ? readNodeId(schema, args.nodeId) : undefined;
        return cached(cache, 'node', args, named && rowId(schema, named.table.name, named.key));
      },
    } as ResolverConfig[string],
  };
}

function cached(
  cache: Cache,
  name: string,
  args: Readonly<Record<string, unknown>>,
  id: string | undefined,
): unknown {
  const link: unknown = cache.resolve('Query', name, args as never);
  if (link !== undefined) return link;
  return id !== undefined && typeof cache.resolve(id, '__typename') === 'string' ? id : undefined;
}

function rowId(schema: ClientSchema, table: string, key: unknown): string | undefined {
  return typeof key === 'string' || typeof key === 'number'
    ? idOf(schema, { table, key: String(key) })
    : undefined;
}
