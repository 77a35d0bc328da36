import type { ModelRelation, ModelTable } from '../../shared/model/types.js';
import type { CachedField, ListArgs, ReducerCache } from './cache.js';
import { type ListRule, readList } from './list-rule.js';
import type { RowBook } from './row-book.js';
import type { ClientSchema } from './schema.js';

/**
 * The fields that were loaded when the reduction began, by relation and by the rows they hang from.
 */
export class FieldBook {
  readonly #schema: ClientSchema;
  readonly #cache: ReducerCache;
  readonly #rows: RowBook;
  readonly #rules = new Map<string, Map<ListArgs, ListRule>>();
  readonly #byParent = new Map<ModelRelation, ParentIndex>();
  #byRelation: ReadonlyMap<ModelRelation, readonly CachedField[]> | undefined;

  constructor(schema: ClientSchema, cache: ReducerCache, rows: RowBook) {
    this.#schema = schema;
    this.#cache = cache;
    this.#rows = rows;
  }

  of(relation: ModelRelation): readonly CachedField[] {
    if (this.#cache.fieldsOf) return this.#cache.fieldsOf(relation);
    this.#byRelation ??= this.#collect();
    return this.#byRelation.get(relation) ?? [];
  }

  /**
   * The fields of a relation below rows whose `from` columns have these values; and those below
   * rows of which that is not known.
   */
  below(relation: ModelRelation, join: string | null): ParentFields {
    let index = this.#byParent.get(relation);
    if (!index) {
      index = this.#indexParents(relation);
      this.#byParent.set(relation, index);
    }
    return { certain: (join !== null && index.byJoin.get(join)) || [], possible: index.unknown };
  }

  rule(field: CachedField): ListRule {
    return this.ruleOf(this.#schema.model.table(field.table), field.args);
  }

  ruleOf(table: ModelTable, args: ListArgs): ListRule {
    const rules = this.#rules.get(table.name) ?? new Map<ListArgs, ListRule>();
    this.#rules.set(table.name, rules);
    const known = rules.get(args);
    if (known) return known;
    const rule = readList(this.#schema, table, args);
    rules.set(args, rule);
    return rule;
  }

  #collect(): ReadonlyMap<ModelRelation, readonly CachedField[]> {
    const found = new Map<ModelRelation, CachedField[]>();
    for (const table of this.#schema.model.tables) {
      if (table.relations.length === 0) continue;
      for (const key of this.#cache.keys(table.name)) {
        for (const field of this.#cache.fields({ table: table.name, key })) {
          if (!field.relation || this.#cache.members(field) === undefined) continue;
          const fields = found.get(field.relation);
          if (fields) fields.push(field);
          else found.set(field.relation, [field]);
        }
      }
    }
    return found;
  }

  #indexParents(relation: ModelRelation): ParentIndex {
    const byJoin = new Map<string, CachedField[]>();
    const unknown: CachedField[] = [];
    for (const field of this.of(relation)) {
      const parent = field.parent!;
      const join = this.#schema.joinOf(this.#rows.view(parent.table, parent.key), relation.from);
      if (join === null) continue;
      if (join === undefined) {
        unknown.push(field);
        continue;
      }
      const fields = byJoin.get(join);
      if (fields) fields.push(field);
      else byJoin.set(join, [field]);
    }
    return { byJoin, unknown };
  }
}

export interface ParentFields {
  readonly certain: readonly CachedField[];
  readonly possible: readonly CachedField[];
}

interface ParentIndex {
  readonly byJoin: ReadonlyMap<string, readonly CachedField[]>;
  readonly unknown: readonly CachedField[];
}
