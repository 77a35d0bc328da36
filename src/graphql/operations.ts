import { type DocumentNode, getOperationAST, Kind, type SubscriptionArgs, visit } from 'graphql';
import { compileEvent, type EventText } from './compile-event.js';

/** What is asked of events: the same object for all who ask the same. */
export interface Operation {
  /** `null` where graphql-js has to execute it. Made when first asked for, of any of those who ask the same. */
  text(args: SubscriptionArgs): EventText | null;
}

/** Operations of one document that are told apart by their variables; further ones share with nobody. */
const MAX_OPERATIONS = 1_000;

interface Known {
  /** By operation name. */
  readonly variables: Map<string, readonly string[]>;
  readonly operations: Map<string, Operation>;
}

/**
 * Knows who asks the same: equal texts are parsed to the same document by the server's cache, and of the variables only those count that
 * are used below the root field. Its arguments say which events come, not what is made of them; so those who resumed at
 * different cursors ask the same.
 */
export class Operations {
  readonly #known = new WeakMap<DocumentNode, Known>();

  of(args: SubscriptionArgs): Operation {
    const { document, operationName } = args;
    const name = operationName ?? '';
    let known = this.#known.get(document);
    if (!known) {
      known = { variables: new Map(), operations: new Map() };
      this.#known.set(document, known);
    }
    let variables = known.variables.get(name);
    if (!variables) {
      variables = variablesBelowRoot(document, operationName);
      known.variables.set(name, variables);
    }
    const values = variables.map((variable) => [variable, args.variableValues?.[variable]]);
    const key = JSON.stringify([name, values]);
    let operation = known.operations.get(key);
    if (!operation) {
      operation = new CompiledOperation();
      if (known.operations.size < MAX_OPERATIONS) known.operations.set(key, operation);
    }
    return operation;
  }
}

class CompiledOperation implements Operation {
  #text: EventText | null | undefined;

  text(args: SubscriptionArgs): EventText | null {
    if (this.#text === undefined) this.#text = compileEvent(args);
    return this.#text;
  }
}

/** Variables used anywhere but in the arguments of the operation's own fields. */
function variablesBelowRoot(
  document: DocumentNode,
  operationName: string | null | undefined,
): readonly string[] {
  const operation = getOperationAST(document, operationName);
  const used = new Set<string>();
  visit(document, {
    VariableDefinition: () => false,
    Argument: (_node, _key, _parent, _path, ancestors) => {
      const [field, set, owner] = [ancestors.at(-1), ancestors.at(-2), ancestors.at(-4)];
      const isRoot =
        field !== undefined &&
        !Array.isArray(field) &&
        (field as { kind: string }).kind === Kind.FIELD &&
        Array.isArray(set) &&
        owner === operation;
      return isRoot ? false : undefined;
    },
    Variable: ({ name }) => void used.add(name.value),
  });
  return [...used].sort();
}
