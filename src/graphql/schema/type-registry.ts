import {
  GraphQLEnumType,
  GraphQLID,
  GraphQLList,
  type GraphQLNamedType,
  type GraphQLScalarType,
} from 'graphql';
import { RivuletError } from '../../../shared/errors.js';
import type { ColumnType, ModelColumn } from '../../../shared/model/types.js';
import { scalarFor } from '../../value/scalars.js';
import { enumNames } from './enum-names.js';

/** A type that is good for input and output. */
export type ValueType = GraphQLScalarType | GraphQLEnumType | GraphQLList<ValueType>;

/**
 * The named types of one schema, each made when it is first asked for, and once. Two makers that want the same name for
 * different things are a `SCHEMA_NAME_CLASH`.
 */
export class TypeRegistry {
  readonly #types = new Map<string, { readonly owner: string; readonly type: GraphQLNamedType }>();

  /** `owner` says for what the type is; the same owner gets the same type. */
  once<T extends GraphQLNamedType>(name: string, owner: string, make: () => T): T {
    const known = this.#types.get(name);
    if (known?.owner === owner) return known.type as T;
    if (known) {
      throw new RivuletError(
        'SCHEMA_NAME_CLASH',
        `The GraphQL type \`${name}\` would stand for ${known.owner} and for ${owner}.`,
        { type: name },
      );
    }
    const type = make();
    this.#types.set(name, { owner, type });
    return type;
  }

  /** What a column's values are in GraphQL, without the `!`. Keys and what points at keys are `ID`. */
  valueType(column: ModelColumn): ValueType {
    return isId(column) ? GraphQLID : this.typeOf(column.type);
  }

  typeOf(type: ColumnType): ValueType {
    if (type.kind === 'enum') return this.#enum(type);
    if (type.kind !== 'array') {
      const scalar = scalarFor(type);
      return this.once(scalar.name, `scalar ${scalar.name}`, () => scalar);
    }
    let list = new GraphQLList<ValueType>(this.typeOf(type.of));
    for (let dimension = 1; dimension < type.dimensions; dimension++) list = new GraphQLList<ValueType>(list);
    return list;
  }

  #enum(type: Extract<ColumnType, { kind: 'enum' }>): GraphQLEnumType {
    return this.once(type.name, `enum ${type.sqlSchema}.${type.sqlName}`, () => {
      const names = enumNames(type.values);
      return new GraphQLEnumType({
        name: type.name,
        values: Object.fromEntries(
          type.values.map((label, index) => [
            names[index]!,
            {
              value: label,
              ...(names[index] === label ? {} : { description: `The label \`${label}\` in the database.` }),
            },
          ]),
        ),
      });
    });
  }
}

/** True where a column's value is the key of a row, or part of one: it then is an `ID`, equal to the `id` that it names. */
export function isId(column: ModelColumn): boolean {
  return (column.isKey || column.isReference) && column.type.kind !== 'array' && column.type.kind !== 'json';
}
