import type { ModelColumn, ModelRelation } from '../../src/manifest/model.js';
import type { Field, Fields, ListArgs, ReducerCache } from './cache.js';
import type { Facts, LinkFacts, RowFact } from './facts.js';
import { FieldBook } from './field-book.js';
import { Plans } from './plans.js';
import type { RowView } from './row.js';
import { RowBook } from './row-book.js';
import type { ClientSchema } from './schema.js';

export interface ReduceOptions {
  /**
   * What the messages of the root list's own table follow. `value`: the list, with its `where`; their kinds say what is in it. `table`: every row that
   * may be read; the list's `where` decides.
   */
  readonly follows: 'value' | 'table';
  /** The arguments of the related scope at this path of relations from the root of a table's stream. */
  readonly argsAt: (root: string, path: readonly string[]) => ListArgs;
  /** The `id` for which a root field of one row was asked; without it any row may fill an empty one. */
  readonly id?: string | undefined;
  /** What the cache held of a row before the message; for a cache that may hold some of the message already. */
  readonly before?: ((fact: RowFact) => Fields | undefined) | undefined;
}

/** Everything that the parts of one reduction share. */
export class Reduction {
  readonly rows: RowBook;
  readonly fields: FieldBook;
  readonly plans = new Plans();
  readonly #governed = new Set<string>();

  constructor(
    readonly schema: ClientSchema,
    readonly cache: ReducerCache,
    readonly facts: Facts,
    readonly options: ReduceOptions,
  ) {
    this.rows = new RowBook(schema, cache, facts, options.before);
    this.fields = new FieldBook(schema, cache, this.rows);
    for (const links of facts.links) {
      this.#governed.add(governedName(links.relation, this.whereOf(links)));
    }
  }

  /** The `where` that a related scope was asked for with, as a text. */
  whereOf({ relation, root, path }: LinkFacts): string {
    const target = this.schema.model.table(relation.target);
    return this.fields.ruleOf(target, this.options.argsAt(root.name, path)).condition.key;
  }

  /** True where the message's links say what belongs to the field. */
  governs(field: Field): boolean {
    return (
      field.relation !== null &&
      this.#governed.has(governedName(field.relation, this.fields.rule(field).condition.key))
    );
  }

  holds(field: Field, key: string): boolean {
    if (this.cache.holds) return this.cache.holds(field, key);
    return this.cache.members(field)?.includes(key) ?? false;
  }

  /** The relation's own conditions on both ends and the field's `where`. */
  conditionsHold(field: Field, parent: RowView, child: RowView): boolean | undefined {
    const { source, target } = this.schema.conditions(field.relation!);
    return all([
      source.decide(parent),
      target.decide(child),
      this.fields.rule(field).condition.decide(child),
    ]);
  }

  joinOf(view: RowView, columns: readonly ModelColumn[]): string | null | undefined {
    return this.schema.joinOf(view, columns);
  }

  parentView(field: Field): RowView {
    return this.rows.view(field.parent!.table, field.parent!.key);
  }
}

export function all(truths: readonly (boolean | undefined)[]): boolean | undefined {
  if (truths.includes(false)) return false;
  return truths.includes(undefined) ? undefined : true;
}

function governedName(relation: ModelRelation, where: string): string {
  return JSON.stringify([relation.source, relation.name, where]);
}
