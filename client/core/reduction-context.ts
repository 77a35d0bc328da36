import type { ModelColumn, ModelRelation } from '../../shared/model/types.js';
import type { CachedField, ListArgs, ReducerCache, RowFields } from './cache.js';
import { FieldBook } from './field-book.js';
import { FieldPlans } from './field-plans.js';
import type { LinkFacts, MessageFacts, RowFact } from './message-facts.js';
import type { CellReader } from './row.js';
import { RowBook } from './row-book.js';
import type { ClientSchema } from './schema.js';

export interface ReduceOptions {
  /**
   * The rows that the messages of the root list's own table follow. `value`: the list, with its
   * `where`; their kinds say what is in it. `table`: every row that may be read; the list's `where`
   * decides.
   */
  readonly follows: 'value' | 'table';
  /**
   * The arguments of the related scope at this path of relations from the root of a table's stream.
   */
  readonly argsAt: (root: string, path: readonly string[]) => ListArgs;
  /**
   * The `id` for which a root field of one row was asked; without it any row may fill an empty one.
   */
  readonly id?: string | undefined;
  /**
   * A row's cached data before the message; for a cache that may contain a part of the message
   * already.
   */
  readonly before?: ((fact: RowFact) => RowFields | undefined) | undefined;
}

/** Everything that the parts of one reduction share. */
export class ReductionContext {
  readonly rows: RowBook;
  readonly fields: FieldBook;
  readonly plans = new FieldPlans();
  readonly #governed = new Set<string>();

  constructor(
    readonly schema: ClientSchema,
    readonly cache: ReducerCache,
    readonly facts: MessageFacts,
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
  governs(field: CachedField): boolean {
    return (
      field.relation !== null &&
      this.#governed.has(governedName(field.relation, this.fields.rule(field).condition.key))
    );
  }

  holds(field: CachedField, key: string): boolean {
    if (this.cache.holds) return this.cache.holds(field, key);
    return this.cache.members(field)?.includes(key) ?? false;
  }

  /** The relation's own conditions on both ends and the field's `where`. */
  conditionsHold(field: CachedField, parent: CellReader, child: CellReader): boolean | undefined {
    const { source, target } = this.schema.conditions(field.relation!);
    return all([
      source.evaluate(parent),
      target.evaluate(child),
      this.fields.rule(field).condition.evaluate(child),
    ]);
  }

  joinOf(view: CellReader, columns: readonly ModelColumn[]): string | null | undefined {
    return this.schema.joinOf(view, columns);
  }

  parentView(field: CachedField): CellReader {
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
