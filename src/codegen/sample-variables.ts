import { type DocumentNode, Kind, type OperationDefinitionNode, type TypeNode, visit } from 'graphql';
import { whereKey } from '../../client/core/live/derive.js';
import type { ClientSchema } from '../../client/core/schema.js';
import type { ModelTable } from '../../shared/model/types.js';
import { formatKey } from '../../shared/value/key.js';

export type SampleVariables = Readonly<Record<string, unknown>>;

/** Texts of which some type of a key accepts one. */
const KEY_TEXTS = [
  '1',
  '00000000-0000-0000-0000-000000000000',
  'a',
  '2020-01-01',
  '2020-01-01T00:00:00Z',
  'true',
  '127.0.0.1',
];

/**
 * Values of an operation's variables, one for each way in which they can decide what the client
 * plugins derive; `null` if there are more than `most`.
 */
export function valuesOfVariables(
  schema: ClientSchema,
  document: DocumentNode,
  most: number,
): readonly SampleVariables[] | null {
  const operation = document.definitions[0] as OperationDefinitionNode;
  const uses = usesOf(document);
  let all: SampleVariables[] = [{}];
  for (const { variable, type } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    const samples = samplesOf(schema, nameOf(type), uses.get(name) ?? new Set());
    if (all.length * samples.length > most) return null;
    all = all.flatMap((values) =>
      samples.map((sample) => (sample === undefined ? values : { ...values, [name]: sample })),
    );
  }
  return all;
}

function samplesOf(schema: ClientSchema, type: string, uses: ReadonlySet<string>): readonly unknown[] {
  if (uses.has('if')) return [true, false];
  if (uses.has('where')) return [undefined, {}];
  if (uses.has('orderBy')) return [undefined, ...ordersOf(schema, type)];
  if (uses.has('id')) return unique(schema.model.tables.map(sampleKey));
  if (uses.has('nodeId')) return nodeIdsOf(schema);
  if (uses.has('nodeIds')) return [nodeIdsOf(schema), ...nodeIdsOf(schema).map((id) => [id])];
  return ['ASC'];
}

/** By one column and by two. */
function ordersOf(schema: ClientSchema, type: string): readonly unknown[] {
  const table = schema.byTypeName(type.replace(/Order$/, ''));
  const names = (table?.columns ?? []).map(({ name }) => name);
  const by = (...columns: readonly string[]) => columns.map((column) => ({ [column]: 'ASC' }));
  return names.flatMap((one, at) => [by(one), ...names.slice(at + 1).map((other) => by(one, other))]);
}

function nodeIdsOf(schema: ClientSchema): readonly string[] {
  return schema.model.tables.flatMap((table) => {
    const key = sampleKey(table);
    return key === undefined ? [] : [Buffer.from(`${table.typeName}:${key}`).toString('base64url')];
  });
}

/** An id that could be one of the table's. */
function sampleKey(table: ModelTable): string | undefined {
  let keys: readonly (readonly string[])[] = [[]];
  for (const _ of table.key) keys = keys.flatMap((key) => KEY_TEXTS.map((text) => [...key, text]));
  return keys.map(formatKey).find((key) => whereKey(table, key) !== undefined);
}

/** Arguments, of fields and directives, that are given each variable as it is. */
function usesOf(document: DocumentNode): ReadonlyMap<string, ReadonlySet<string>> {
  const uses = new Map<string, Set<string>>();
  visit(document, {
    Argument: ({ name, value }) => {
      if (value.kind !== Kind.VARIABLE) return;
      const known = uses.get(value.name.value) ?? new Set();
      uses.set(value.name.value, known.add(name.value));
    },
  });
  return uses;
}

function nameOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : nameOf(type.type);
}

function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}
