import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql';
import type { Logger } from './logger.js';
import { maskError } from './mask.js';
import type { Yoga, YogaContext } from './yoga.js';

/** What a client sends to have an operation run. */
export interface OperationParams {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | null | undefined;
}

/** An operation that may be run, and what it is run with. */
export interface Prepared extends ExecutionArgs {
  /** Of the document; equal texts are one string. */
  readonly text: string;
  readonly execute: (args: ExecutionArgs) => ReturnType<ReturnType<Yoga['getEnveloped']>['execute']>;
  readonly subscribe: (args: ExecutionArgs) => ReturnType<ReturnType<Yoga['getEnveloped']>['subscribe']>;
}

/** One operation, parsed, checked and given its context by the same engine as over HTTP; or the errors, as clients may see them. */
export async function prepareOperation(
  yoga: Yoga,
  context: YogaContext,
  params: OperationParams,
  logger: Logger,
): Promise<Prepared | readonly GraphQLError[]> {
  try {
    const own: YogaContext & { readonly params: OperationParams } = { ...context, params };
    const engine = yoga.getEnveloped(own as never);
    const document = engine.parse(params.query);
    const errors = engine.validate(engine.schema, document);
    if (errors.length > 0) return errors as readonly GraphQLError[];
    return {
      schema: engine.schema,
      document,
      text: own.checked?.text ?? params.query,
      operationName: params.operationName,
      variableValues: params.variables,
      contextValue: await engine.contextFactory(),
      execute: engine.execute,
      subscribe: engine.subscribe,
    };
  } catch (error) {
    return [maskError(error, logger)];
  }
}

/** Subscribes; what is refused before that is a result with errors. */
export async function subscribeTo(
  yoga: Yoga,
  context: YogaContext,
  params: OperationParams,
  logger: Logger,
): Promise<AsyncIterable<ExecutionResult> | ExecutionResult> {
  const prepared = await prepareOperation(yoga, context, params, logger);
  return 'document' in prepared ? prepared.subscribe(prepared) : { errors: prepared };
}
