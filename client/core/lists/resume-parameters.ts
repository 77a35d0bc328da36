import { Kind } from 'graphql';
import { isObject } from '../row.js';
import type { ClientOperation } from './response-listener.js';

/** The part of a request that says where its stream begins. */
export interface ResumeParameters {
  readonly variables: Record<string, unknown>;
  readonly extensions: Record<string, unknown>;
}

/**
 * The variables and `extensions` of a stream that begins where it was: the position is read each
 * time the operation is sent. Before there is one, the stream begins where its own `after` says. An
 * `after` that is a text in the document has it begin there each time: it comes before
 * `extensions`.
 */
export function resumeParametersOf(
  { query, variables }: ClientOperation,
  extensions: unknown,
  cursor: () => string | undefined,
): ResumeParameters {
  const own = isObject(extensions) ? extensions : {};
  const inside = isObject(own.rivulet) ? own.rivulet : {};
  const at = (otherwise: unknown) => ({ enumerable: true, get: () => cursor() ?? otherwise });
  const resumed = { ...variables };
  for (const name of positionsOf(query)) Object.defineProperty(resumed, name, at(variables[name]));
  const rivulet = Object.defineProperty({ ...inside }, 'after', at(inside.after));
  return { variables: resumed, extensions: { ...own, rivulet } };
}

/** The variables that say where the streams of a document begin. */
function positionsOf(query: ClientOperation['query']): readonly string[] {
  return query.definitions.flatMap((each) =>
    each.kind !== Kind.OPERATION_DEFINITION
      ? []
      : each.selectionSet.selections.flatMap((field) => {
          const found = field.kind === Kind.FIELD ? field.arguments : undefined;
          const value = found?.find(({ name }) => name.value === 'after')?.value;
          return value?.kind === Kind.VARIABLE ? [value.name.value] : [];
        }),
  );
}
