import { entityId } from './message-facts.js';
import type { ReadMessage, ReadScope } from './read-message.js';
import type { ReadRow } from './read-row.js';

/**
 * The relations that a message sent below one row, and below each row of these: by relation, by
 * key.
 */
export type NestedRelations = ReadonlyMap<string, ReadonlyMap<string, NestedRelations>>;

type NestedRelationsDraft = Map<string, Map<string, NestedRelationsDraft>>;

const NOTHING: NestedRelations = new Map();

/**
 * The relations that the messages of one transaction carry below their rows, by `entityId`: inside
 * of a node, or as a related scope. A place of a tree that no row has shown takes these for what
 * its rows have loaded.
 */
export class NestedRelationIndex {
  readonly #byEntity = new Map<string, NestedRelationsDraft>();

  constructor(messages: readonly ReadMessage[]) {
    for (const { root } of messages) this.#readScope(root);
  }

  of(table: string, key: string): NestedRelations {
    return this.#byEntity.get(entityId(table, key)) ?? NOTHING;
  }

  #readScope(scope: ReadScope): void {
    for (const { key, node } of scope.changes) {
      const carried = this.#entry(scope.table.name, key);
      if (node) mergeRow(carried, node);
      mergeScopes(carried, scope.related);
    }
    for (const inner of scope.related) this.#readScope(inner);
  }

  #entry(table: string, key: string): NestedRelationsDraft {
    const id = entityId(table, key);
    const known = this.#byEntity.get(id);
    if (known) return known;
    const carried: NestedRelationsDraft = new Map();
    this.#byEntity.set(id, carried);
    return carried;
  }
}

function mergeRow(into: NestedRelationsDraft, row: ReadRow): void {
  for (const [relation, rows] of row.related) {
    const below = relationIn(into, relation);
    for (const each of rows) mergeRow(rowIn(below, each.key), each);
  }
}

function mergeScopes(into: NestedRelationsDraft, scopes: readonly ReadScope[]): void {
  for (const scope of scopes) {
    const below = relationIn(into, scope.relation!.name);
    for (const { key, node } of scope.changes) {
      const carried = rowIn(below, key);
      if (node) mergeRow(carried, node);
      mergeScopes(carried, scope.related);
    }
  }
}

function relationIn(carried: NestedRelationsDraft, relation: string): Map<string, NestedRelationsDraft> {
  const known = carried.get(relation);
  if (known) return known;
  const below = new Map<string, NestedRelationsDraft>();
  carried.set(relation, below);
  return below;
}

function rowIn(below: Map<string, NestedRelationsDraft>, key: string): NestedRelationsDraft {
  const known = below.get(key);
  if (known) return known;
  const carried: NestedRelationsDraft = new Map();
  below.set(key, carried);
  return carried;
}
