import type { Cache, ResolveInfo, UpdateResolver, UpdatesConfig } from '@urql/exchange-graphcache';
import type { Manifest } from '../../shared/manifest/types.js';
import { type ClientSchema, readManifest } from '../core/index.js';
import {
  type ChangeReport,
  EMPTY_REPORT,
  hasSidePayload,
  type LiveCoverage,
  type MutationEffect,
  messageOf,
  mutationFields,
  NOTHING_COVERED,
  takeSidePayload,
  updateCachedLists,
} from '../core/lists/index.js';
import { isObject } from '../core/row.js';
import { GraphcacheStore } from './graphcache-store.js';
import { rowsIn } from './row-write.js';
import { StoredFields } from './stored-fields.js';

/**
 * Graphcache's `updates`: every cached list of a table follows what change streams and mutations
 * tell of it. What a message says is read by `rivuletExchange`, which knows the document; without
 * it, the lists of the tables concerned are fetched again.
 */
export function rivuletUpdates(manifest: Manifest): UpdatesConfig {
  const schema = readManifest(manifest);
  const fields = new StoredFields(schema);
  const apply = (cache: Cache, told: ChangeReport, covered: LiveCoverage, isExpected: boolean): void => {
    const store = new GraphcacheStore(schema, fields, cache);
    store.apply(updateCachedLists(schema, store, told, covered), isExpected);
  };
  const remember: UpdateResolver = (_parent, args, _cache, info) => {
    fields.add(info.parentKey, info.parentFieldKey, info.fieldName, args);
  };
  const follow =
    (
      otherwise: (parent: object, args: object, info: ResolveInfo) => ChangeReport | undefined,
    ): UpdateResolver =>
    (parent, args, cache, info) => {
      const optimistic = info.optimistic === true;
      const rows = optimistic ? undefined : rowsIn(parent);
      if (rows) {
        rows.write(cache);
        return;
      }
      if (!optimistic && hasSidePayload(parent)) {
        const carried = takeSidePayload(parent);
        for (const told of carried?.reports ?? []) apply(cache, told, carried!.coverage, false);
        return;
      }
      const told = otherwise(parent, args, info);
      if (told) apply(cache, told, NOTHING_COVERED, optimistic);
    };

  const updates: Record<string, Record<string, UpdateResolver>> = {
    Query: {},
    Mutation: {},
    Subscription: {},
  };
  for (const name of fields.rootNames) updates.Query![name] = remember;
  for (const { name, typeName, fields: names } of manifest.tables) {
    const { relations } = schema.model.table(name);
    if (relations.length > 0) {
      updates[typeName] = Object.fromEntries(relations.map((relation) => [relation.name, remember]));
    }
    updates.Subscription![names.changes] = follow(() => unknownOf([name, ...reached(schema, name)]));
  }
  for (const [name, field] of mutationFields(schema)) {
    updates.Mutation![name] = follow((parent, args, info) =>
      info.optimistic === true
        ? expected(schema, field, args, (parent as Readonly<Record<string, unknown>>)[name])
        : unknownOf([field.table.name]),
    );
  }
  return updates as UpdatesConfig;
}

function unknownOf(tables: readonly string[]): ChangeReport {
  return { ...EMPTY_REPORT, unknown: new Set(tables) };
}

/** Tables whose changes a stream of this one can bring. */
function reached(schema: ClientSchema, name: string): readonly string[] {
  const found = new Set<string>();
  const open = [name];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const { target } of schema.model.table(next).relations) {
      if (found.has(target)) continue;
      found.add(target);
      open.push(target);
    }
  }
  return [...found];
}

/**
 * Reads an optimistic result, whose rows stand under the schema's names. A row without a key yet is
 * shown nowhere.
 */
function expected(
  schema: ClientSchema,
  field: MutationEffect,
  args: object,
  value: unknown,
): ChangeReport | undefined {
  const rows = (Array.isArray(value) ? value : [value]).filter(isObject);
  const known = rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).filter(([name]) => name === 'id' || field.table.findColumn(name) !== undefined),
    ),
  );
  try {
    const message = messageOf(schema, field, args as Readonly<Record<string, unknown>>, known);
    return message && { ...EMPTY_REPORT, messages: [message] };
  } catch {
    return undefined;
  }
}
