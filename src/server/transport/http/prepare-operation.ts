import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import type {
  CheckedOperation,
  PersistedDocuments,
  SentParams,
} from '../../documents/persisted-documents.js';
import { maskError } from '../../engine/client-errors.js';
import type { OperationLimits } from '../../engine/config.js';
import type { ServerLogger } from '../../engine/logger.js';
import type { OperationLimiter } from '../../quotas/operation-limits.js';
import type { RivuletYoga, YogaContext } from './yoga.js';

/** An operation that may be run, and what it is run with. */
export interface PreparedOperation extends ExecutionArgs {
  /** The document's text. Equal texts are one string. */
  readonly text: string;
  readonly execute: (args: ExecutionArgs) => ReturnType<ReturnType<RivuletYoga['getEnveloped']>['execute']>;
  readonly subscribe: (
    args: ExecutionArgs,
  ) => ReturnType<ReturnType<RivuletYoga['getEnveloped']>['subscribe']>;
}

/** The services that prepare operations of every transport. */
export interface OperationEngine {
  readonly yoga: RivuletYoga;
  readonly persisted: PersistedDocuments;
  readonly limiter: OperationLimiter;
  readonly logger: ServerLogger;
}

/**
 * One operation, parsed, checked and given its context by the same engine as over HTTP; or the
 * errors, as clients may see them.
 */
export async function prepareOperation(
  { yoga, persisted, limiter, logger }: OperationEngine,
  context: YogaContext,
  sent: SentParams,
): Promise<PreparedOperation | readonly GraphQLError[]> {
  try {
    const limits = await limiter.of(context.session);
    const { params, checked } = taken(persisted, sent, limits ?? limiter.constants);
    const engine = yoga.getEnveloped({ ...context, checked, params, ...(limits && { limits }) } as never);
    const document = engine.parse(params.query);
    const errors = engine.validate(engine.schema, document);
    if (errors.length > 0) return errors as readonly GraphQLError[];
    return {
      schema: engine.schema,
      document,
      text: checked.text,
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
  engine: OperationEngine,
  context: YogaContext,
  params: SentParams,
): Promise<AsyncIterable<ExecutionResult> | ExecutionResult> {
  const prepared = await prepareOperation(engine, context, params);
  return 'document' in prepared ? prepared.subscribe(prepared) : { errors: prepared };
}

function taken(persisted: PersistedDocuments, sent: SentParams, limits: OperationLimits): CheckedOperation {
  const operation = persisted.take(sent, limits);
  if (operation !== null) return operation;
  throw new GraphQLError('Must provide query string.', { extensions: { code: 'BAD_REQUEST' } });
}
