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

/** A type for input and output. */
export type ValueType = GraphQLScalarType | GraphQLEnumType | GraphQLList<ValueType>;

/**
 * The named types of one schema, each made once, on first use. Throws `SCHEMA_NAME_CLASH` if two
 * makers use one name for different types.
 */
export class TypeRegistry {
  readonly #types = new Map<string, { readonly owner: string; readonly type: GraphQLNamedType }>();

  /** `owner` names the purpose of the type. The same owner gets the same type. */
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

  /**
   * The GraphQL type of a column's values, without the `!`. Keys and references to keys are `ID`.
   */
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

/**
 * True if a column's value is the key of a row or part of one. It is then an `ID`, equal to the
 * row's `id`.
 */
export function isId(column: ModelColumn): boolean {
  return (column.isKey || column.isReference) && column.type.kind !== 'array' && column.type.kind !== 'json';
}
