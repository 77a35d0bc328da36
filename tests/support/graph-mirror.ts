import type { RowCells } from '../../shared/filter/types.js';
import type { Model } from '../../shared/model/types.js';
import type { DecodedCursor } from '../../src/feed/cursor.js';
import type { Snapshot } from '../../src/log/snapshot.js';
import type { RelatedPlan, RowNode, SelectPlan } from '../../src/query/types.js';
import type {
  ChangeSpec,
  RelatedMessages,
  RelatedSpec,
  ScopeChange,
  ScopeMessage,
  ScopeRegistry,
} from '../../src/scope/messages/types.js';

/** What a subscriber of a graph has: rows by key, links by `parent → child`, and the same below each relation. */
export interface GraphState {
  readonly rows: Map<string, RowCells>;
  readonly links: Set<string>;
  readonly below: Map<string, GraphState>;
}

export function nestedPlan(model: Model, spec: ChangeSpec): SelectPlan {
  const key = spec.table.key.map((column) => ({ column, direction: 'ASC' as const }));
  return {
    table: spec.table,
    filter: spec.filter,
    orderBy: key,
    limit: null,
    offset: 0,
    related: spec.graph.map((inner) => nestedRelated(model, inner)),
  };
}

function nestedRelated(model: Model, spec: RelatedSpec): RelatedPlan {
  const table = model.table(spec.relation.target);
  return {
    responseKey: spec.responseKey,
    relation: spec.relation,
    via: spec.via,
    ...(spec.onSource ? { onSource: spec.onSource } : {}),
    plan: {
      table,
      filter: spec.filter,
      orderBy: table.key.map((column) => ({ column, direction: 'ASC' as const })),
      limit: null,
      offset: 0,
      related: spec.graph.map((inner) => nestedRelated(model, inner)),
    },
  };
}

type Level = Pick<ChangeSpec | RelatedSpec, 'graph'>;

/** The state that a nested query's answer amounts to. */
export function foldTree(
  spec: Level,
  rows: readonly RowNode[],
  parent?: string,
  into = emptyState(spec),
): GraphState {
  for (const row of rows) {
    into.rows.set(row.key, row.cells);
    if (parent !== undefined) into.links.add(`${parent} → ${row.key}`);
    for (const inner of spec.graph) {
      const found = row.related.get(inner.responseKey) ?? [];
      foldTree(inner, 'key' in found ? [found] : found, row.key, into.below.get(inner.responseKey));
    }
  }
  return into;
}

function emptyState(spec: Level): GraphState {
  return {
    rows: new Map(),
    links: new Set(),
    below: new Map(spec.graph.map((inner) => [inner.responseKey, emptyState(inner)])),
  };
}

/** Folds the messages of a graph, and objects to one that contradicts what it has. */
export class GraphMirror {
  readonly spec: ChangeSpec;
  state: GraphState;
  /** Where to resume. */
  cursor: Snapshot | null;
  /** A reset came: the state is to be read again. */
  reset: string | null = null;
  messages = 0;
  links = 0;
  error: unknown = null;
  readonly #stream: AsyncIterableIterator<ScopeMessage>;

  /** `state` is what was read while nobody wrote, or at the cursor `after`. */
  constructor(scopes: ScopeRegistry, spec: ChangeSpec, state: GraphState, after?: DecodedCursor) {
    this.spec = spec;
    this.state = state;
    this.cursor = after?.snapshot ?? null;
    this.#stream = scopes.changes(spec, { after, owner: 'mirror' });
    void this.#read();
  }

  /** Takes the state as it is now; to be called while nobody writes. */
  reload(state: GraphState): void {
    this.state = state;
    this.reset = null;
  }

  async stop(): Promise<void> {
    await this.#stream.return?.();
  }

  async #read(): Promise<void> {
    try {
      for await (const message of this.#stream) {
        this.messages++;
        this.cursor = message.cursor;
        this.reset ??= message.reset;
        if (this.reset) continue;
        this.#applyChanges(this.spec.table.name, this.state, message.changes);
        this.#applyRelated(this.state, message.related);
      }
    } catch (error) {
      this.error = error;
    }
  }

  #applyChanges(place: string, state: GraphState, changes: readonly ScopeChange[]): void {
    for (const { kind, key, node } of changes) {
      const had = state.rows.has(key);
      if (had !== (kind !== 'ENTER'))
        throw new Error(`${kind} of ${place} ${key}, which is ${had ? '' : 'not '}there`);
      if (node) state.rows.set(key, node.cells);
      else state.rows.delete(key);
    }
  }

  #applyRelated(above: GraphState, related: RelatedMessages): void {
    for (const [name, message] of related) {
      const state = above.below.get(name)!;
      this.#applyChanges(name, state, message.changes);
      for (const { kind, parent, child } of message.links) {
        this.links++;
        const link = `${parent} → ${child}`;
        if (state.links.has(link) !== (kind === 'LEAVE'))
          throw new Error(`${kind} of link ${link} in ${name}`);
        if (kind === 'ENTER') state.links.add(link);
        else state.links.delete(link);
      }
      this.#applyRelated(state, message.related);
    }
  }
}
