import { createHash } from 'node:crypto';
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  print,
  visit,
} from 'graphql';
import { completeDocument, FieldShapes } from '../../client/core/lists/index.js';
import { derive } from '../../client/core/live/derive.js';
import { type ClientSchema, readManifest } from '../../client/core/schema.js';
import { RivuletError } from '../../shared/errors.js';
import type { Manifest } from '../../shared/manifest/types.js';
import { type SampleVariables, valuesOfVariables } from './sample-variables.js';

/**
 * Limit of derived documents of one operation. Past it, its variables decide too much of what the
 * client plugins derive.
 */
const MAX_SAMPLES = 4_096;

/**
 * The documents of an application's clients by the SHA-256 of their texts: each operation with its
 * fragments, and what the client plugins make of it when it is sent. That is the operation with
 * what caches need besides, and for a query its change streams, for live queries. Where variables
 * decide what is derived (`@include`, `@skip`, `where`, `orderBy`, keys), the documents for each
 * kind of value are listed; of an order in a variable those with up to two columns.
 *
 * Throws `TRUSTED_DOCUMENTS_TOO_MANY`.
 */
export function trustedDocuments(
  manifest: Manifest,
  documents: readonly DocumentNode[],
): Readonly<Record<string, string>> {
  const schema = readManifest(manifest);
  const shapes = new FieldShapes(schema);
  const texts = new Set<string>();
  for (const document of operationsOf(documents)) {
    texts.add(print(document));
    for (const values of valuesOfVariables(schema, document, MAX_SAMPLES) ?? tooMany(document)) {
      for (const text of derived(schema, shapes, document, values)) texts.add(text);
    }
  }
  const byHash = [...texts].map((text) => [createHash('sha256').update(text).digest('hex'), text] as const);
  return Object.fromEntries(byHash.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function* derived(
  schema: ClientSchema,
  shapes: FieldShapes,
  document: DocumentNode,
  values: SampleVariables,
): Iterable<string> {
  const completed = [completeDocument(shapes, document, values), completeDocument(shapes, document)];
  for (const base of [document, ...completed.map((each) => each?.document)]) {
    if (base === undefined) continue;
    yield print(base);
    const plan = derive(schema, base, values);
    if (!plan) continue;
    yield print(plan.document);
    for (const { stream } of plan.roots) yield stream.query;
  }
}

/** Each operation with the fragments that it needs, from whatever file they are. */
function operationsOf(documents: readonly DocumentNode[]): readonly DocumentNode[] {
  const definitions = documents.flatMap((document) => document.definitions);
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const each of definitions) {
    if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each);
  }
  return definitions
    .filter((each): each is OperationDefinitionNode => each.kind === Kind.OPERATION_DEFINITION)
    .map((operation) => ({
      kind: Kind.DOCUMENT,
      definitions: [operation, ...neededBy(operation, fragments)],
    }));
}

function neededBy(
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): readonly FragmentDefinitionNode[] {
  const needed = new Set<FragmentDefinitionNode>();
  const look = (node: OperationDefinitionNode | FragmentDefinitionNode): void => {
    visit(node, {
      FragmentSpread: ({ name }) => {
        const fragment = fragments.get(name.value);
        if (!fragment || needed.has(fragment)) return;
        needed.add(fragment);
        look(fragment);
      },
    });
  };
  look(operation);
  return [...needed];
}

function tooMany({ definitions: [operation] }: DocumentNode): never {
  const name = (operation as OperationDefinitionNode).name?.value ?? 'without a name';
  const message = `the variables of the operation ${name} decide over more than ${MAX_SAMPLES} documents`;
  throw new RivuletError('TRUSTED_DOCUMENTS_TOO_MANY', message);
}
