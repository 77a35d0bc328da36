import {
  type GraphQLOutputType,
  type GraphQLSchema,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { fieldsOf, type SelectionInfo, type SelectionSets, selectionOf } from '../plan/selection.js';

/** Writes a value as JSON. Throws `NeedsExecution` if only graphql-js can produce the result. */
export type TextWriter<T> = (value: T) => string;

/**
 * Thrown for a value that its type cannot serialize, and for an error that needs a path in the
 * result.
 */
export class NeedsExecution extends Error {}

/** The inputs of a writer. */
export interface WriterContext {
  readonly info: SelectionInfo & { readonly schema: GraphQLSchema };
}

/** Returns the writer of one field of an object type, or `null` if it has none. */
export type FieldTexts<T> = (
  fieldName: string,
  responseKey: string,
  selection: SelectionSets,
) => TextWriter<T> | null;

/**
 * A writer of an object's selected fields, in the order of GraphQL's execution; `null` if one of
 * the fields needs that execution.
 */
export function objectText<T>(
  { info }: WriterContext,
  typeName: string,
  selection: SelectionSets,
  fieldTexts: FieldTexts<T>,
): TextWriter<T> | null {
  const heads: string[] = [];
  const writers: TextWriter<T>[] = [];
  for (const [responseKey, nodes] of fieldsOf(info, typeName, selection)) {
    const name = nodes[0]!.name.value;
    const writer =
      name === '__typename'
        ? constant(JSON.stringify(typeName))
        : fieldTexts(name, responseKey, selectionOf(nodes));
    if (!writer) return null;
    heads.push(`${heads.length === 0 ? '{' : ','}${JSON.stringify(responseKey)}:`);
    writers.push(writer);
  }
  if (heads.length === 0) return constant('{}');
  return (value) => {
    let text = '';
    for (let at = 0; at < heads.length; at++) text += heads[at]! + writers[at]!(value);
    return `${text}}`;
  };
}

export function constant(text: string): TextWriter<unknown> {
  return () => text;
}

export function listText<T>(writer: TextWriter<T>): TextWriter<readonly T[]> {
  return (values) => {
    let text = '[';
    for (let at = 0; at < values.length; at++) text += (at === 0 ? '' : ',') + writer(values[at]!);
    return `${text}]`;
  };
}

export function nullable<T>(writer: TextWriter<T>): TextWriter<T | null> {
  return (value) => (value === null ? 'null' : writer(value));
}

/** Values of scalars, enums and lists of them, as execution completes them. */
export function leafText(type: GraphQLOutputType): TextWriter<unknown> {
  const complete = completion(type);
  return (value) => JSON.stringify(complete(value));
}

function completion(type: GraphQLOutputType): (value: unknown) => unknown {
  if (isNonNullType(type)) {
    const complete = completion(type.ofType);
    return (value) => {
      const completed = complete(value);
      if (completed === null) throw new NeedsExecution('null where there may be none');
      return completed;
    };
  }
  if (isListType(type)) {
    const complete = completion(type.ofType);
    return (value) => {
      if (value === null || value === undefined) return null;
      if (!Array.isArray(value)) throw new NeedsExecution('no list');
      return value.map(complete);
    };
  }
  if (!isLeafType(type)) throw new TypeError(`${String(type)} is no type of single values`);
  return (value) => {
    if (value === null || value === undefined) return null;
    const serialized = type.serialize(value);
    if (serialized === null || serialized === undefined) throw new NeedsExecution('not shown');
    return serialized;
  };
}

/** The type of an object type's field. */
export function fieldType(schema: GraphQLSchema, typeName: string, fieldName: string): GraphQLOutputType {
  const type = schema.getType(typeName);
  const field = isObjectType(type) ? type.getFields()[fieldName] : undefined;
  if (!field) throw new TypeError(`no field ${typeName}.${fieldName}`);
  return field.type;
}
