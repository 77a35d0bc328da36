import type { ModelTable } from '../../../shared/model/types.js';
import type { ClientSchema } from '../schema.js';
import { type MutationEffect, mutationFields } from './read-mutation.js';

/** The target of a schema field, if it leads to rows or change streams. */
export interface FieldShape {
  /** The name of its type. */
  readonly type: string;
  readonly kind: 'row' | 'change' | 'link' | 'scope' | 'message' | 'other';
  readonly table: ModelTable;
}

/** The types of the schema, as far as the manifest tells them. */
export class FieldShapes {
  readonly #schema: ClientSchema;
  readonly #roots: ReadonlyMap<string, FieldShape>;

  constructor(schema: ClientSchema) {
    this.#schema = schema;
    const roots = new Map<string, FieldShape>();
    for (const { name, fields } of schema.manifest.tables) {
      const table = schema.model.table(name);
      for (const field of [fields.one, fields.many]) {
        roots.set(`Query.${field}`, row(table));
        roots.set(`Subscription.${field}`, row(table));
      }
      roots.set(`Query.${fields.connection}`, of(table, 'Connection', 'other'));
      roots.set(`Subscription.${fields.changes}`, of(table, 'Changes', 'message'));
    }
    for (const [name, field] of mutationFields(schema)) roots.set(`Mutation.${name}`, rowOf(field));
    this.#roots = roots;
  }

  root(operation: 'query' | 'mutation' | 'subscription', name: string): FieldShape | undefined {
    return this.#roots.get(`${operation.charAt(0).toUpperCase()}${operation.slice(1)}.${name}`);
  }

  /** A row of the type with this name. */
  named(typeName: string): FieldShape | undefined {
    const table = this.#schema.byTypeName(typeName);
    return table && row(table);
  }

  below({ type, table, kind }: FieldShape, name: string): FieldShape | undefined {
    const { typeName } = table;
    if (kind === 'row') {
      const relation = table.findColumn(name) ? undefined : table.findRelation(name);
      return relation && row(this.#schema.model.table(relation.target));
    }
    if (type === `${typeName}Related`) {
      const relation = table.findRelation(name);
      return relation && of(this.#schema.model.table(relation.target), 'Scope', 'scope');
    }
    switch (name) {
      case 'nodes':
      case 'node':
        return row(table);
      case 'edges':
        return of(table, 'Edge', 'other');
      case 'changes':
        return of(table, 'Change', 'change');
      case 'related':
        return of(table, 'Related', 'other');
      case 'links':
        return { type: 'Link', kind: 'link', table };
      default:
        return undefined;
    }
  }
}

function row(table: ModelTable): FieldShape {
  return { type: table.typeName, kind: 'row', table };
}

function rowOf({ table }: MutationEffect): FieldShape {
  return row(table);
}

function of(table: ModelTable, suffix: string, kind: FieldShape['kind']): FieldShape {
  return { type: `${table.typeName}${suffix}`, kind, table };
}
