import { type DocumentNode, getOperationAST, Kind, type SubscriptionArgs, visit } from 'graphql';
import { textKey } from '../../sql/text-key.js';
import { compileEvent, type EventText } from './compile-event.js';
import type { RivuletContext } from './context.js';

/**
 * The execution of an operation on events: one object for all subscribers with equal operations.
 */
export interface EventOperation {
  /**
   * Execution arguments: one object for all subscribers that may read the same of the selected
   * columns.
   */
  executionFor(args: SubscriptionArgs): EventExecution;
}

export interface EventExecution {
  readonly operation: EventOperation;
  /**
   * The context of one of the subscribers, without the parts that only the start of a subscription
   * needs.
   */
  readonly args: SubscriptionArgs;
  /** `null` if graphql-js has to execute the operation. */
  readonly text: EventText | null;
}

/**
 * Operations of one document, distinguished by variables, that are shared at one time. Further ones
 * are not shared.
 */
const MAX_OPERATIONS = 1_000;

/** A subscriber's hold on an operation, until it is released. */
export interface JoinedOperation {
  readonly operation: EventOperation;
  /** Releases the operation when the subscriber has gone. Calling it twice is fine. */
  readonly leave: () => void;
}

interface SharedOperation {
  readonly operation: EventOperation;
  subscribers: number;
}

interface DocumentOperations {
  /** By operation name. */
  readonly variables: Map<string, readonly string[]>;
  readonly operations: Map<string, SharedOperation>;
}

/**
 * Finds subscribers with equal operations. The server's cache parses equal texts to one document.
 * Of the variables only those count that are used below the root field: its arguments decide which
 * events come, not how they are written. So subscribers that resumed at different cursors share an
 * operation. Entries by variables are dropped with their last subscriber; others live as long as
 * the document.
 */
export class OperationRegistry {
  readonly #known = new WeakMap<DocumentNode, DocumentOperations>();

  join(args: SubscriptionArgs): JoinedOperation {
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
    const { operations } = known;
    const key = textKey(JSON.stringify([name, values]));
    let shared = operations.get(key);
    if (!shared) {
      shared = { operation: new CompiledOperation(), subscribers: 0 };
      if (operations.size < MAX_OPERATIONS) operations.set(key, shared);
    }
    if (values.length === 0) return { operation: shared.operation, leave: () => {} };
    shared.subscribers++;
    let own: SharedOperation | null = shared;
    const leave = (): void => {
      if (own === null) return;
      own.subscribers--;
      if (own.subscribers === 0 && operations.get(key) === own) operations.delete(key);
      own = null;
    };
    return { operation: shared.operation, leave };
  }
}

/** Sets of readable columns that are distinguished. Subscribers with further sets share nothing. */
const MAX_READERS = 100;

class CompiledOperation implements EventOperation {
  #text: EventText | null | undefined;
  /** By hidden columns, as long as a subscriber with them exists. */
  readonly #asked = new Map<string, WeakRef<EventExecution>>();

  executionFor(args: SubscriptionArgs): EventExecution {
    if (this.#text === undefined) this.#text = compileEvent(args);
    const text = this.#text;
    if (text === null) return { operation: this, args, text };
    const context = args.contextValue as RivuletContext;
    const hidden: number[] = [];
    let at = 0;
    for (const [column, table] of text.columns) {
      if (!context.rights.canReadColumn(table, column)) hidden.push(at);
      at++;
    }
    const readers = hidden.join();
    const known = this.#asked.get(readers)?.deref();
    if (known) return known;
    const asked = { operation: this, args: lasting(args, context), text };
    if (this.#asked.size < MAX_READERS || this.#asked.has(readers)) {
      this.#asked.set(readers, new WeakRef(asked));
    }
    return asked;
  }
}

/** A subscription may last for days, and only its start needs most of its context. */
function lasting(args: SubscriptionArgs, { database, rights, user, live }: RivuletContext): SubscriptionArgs {
  const { schema, document, operationName, variableValues } = args;
  const contextValue: RivuletContext = {
    database,
    rights,
    user,
    ...(live && { live: { scopes: live.scopes, cursors: live.cursors } }),
  };
  return { schema, document, operationName, variableValues, contextValue };
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
