import type { ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { RivuletError } from '../../../../shared/errors.js';
import type { OperationParams } from '../../documents/persisted-documents.js';
import { clientError } from '../../engine/client-errors.js';
import { isRecord } from '../../engine/is-record.js';
import type { YogaContext } from './yoga.js';

/** The header by which a request says to which reserved event stream it belongs. */
export const STREAM_TOKEN_HEADER = 'x-graphql-event-stream-token';

/** A result that is to leave as events; what is no stream is one event. */
export type StreamableResult = ExecutionResult | AsyncIterable<ExecutionResult>;

/** Streams the result of one HTTP request that is not sent as one JSON response. */
export interface StreamingRequest {
  /**
   * The reserved stream that its operation belongs to; `null` for the response itself, if the
   * request accepts that.
   */
  readonly reserved: ReservedSlot | null;
  /**
   * Set when the operation was begun: errors before that are an HTTP answer, also where a stream is
   * reserved.
   */
  hasBegun: boolean;
  /** The request's parameters; `null` until they were read. */
  params: OperationParams | null;
  result: StreamableResult | null;
}

/** A place on a reserved event stream. */
export interface ReservedSlot {
  /** Takes the operation's id; throws a coded error where that cannot be. */
  takeId(operationId: string): void;
}

/**
 * Leaves to `YogaContext.streaming` what has to be streamed, and answers with nothing but the
 * headers.
 */
export const streamedResults: Plugin<YogaContext, YogaContext> = {
  onParams({ params, context, setResult }) {
    const { streaming } = context;
    if (streaming) streaming.params = params as OperationParams;
    if (!streaming?.reserved) return;
    try {
      streaming.reserved.takeId(operationIdOf(params.extensions));
    } catch (error) {
      if (!(error instanceof RivuletError)) throw error;
      // The stream reports that it is full; the request is told of a missing stream.
      streaming.hasBegun = error.code === 'TOO_MANY_SUBSCRIPTIONS';
      setResult({ errors: [clientError(error)] });
    }
  },
  onExecute: ({ args }) => begin(args.contextValue),
  onSubscribe: ({ args }) => begin(args.contextValue),
  onResultProcess({ request, result, serverContext, resultProcessor, setResultProcessor }) {
    const { streaming } = serverContext;
    if (!streaming || !resultProcessor || Array.isArray(result)) return;
    if (!(streaming.reserved ? streaming.hasBegun : isEventStream(request, result))) return;
    setResultProcessor((taken, { Response }) => {
      streaming.result = taken as StreamableResult;
      return new Response(null, { status: 200 });
    }, 'text/event-stream');
  },
};

function begin({ streaming }: YogaContext): undefined {
  if (streaming) streaming.hasBegun = true;
  return undefined;
}

/**
 * Only as an event stream can a stream be answered; a single result where nothing else is accepted.
 */
function isEventStream(request: Request, result: unknown): boolean {
  if (isRecord(result) && Symbol.asyncIterator in result) return true;
  const accept = request.headers.get('accept') ?? '*/*';
  return accept.includes('text/event-stream') && !accept.includes('json') && !accept.includes('*/*');
}

function operationIdOf(extensions: unknown): string {
  const id = isRecord(extensions) ? extensions.operationId : undefined;
  if (typeof id === 'string' && id.length > 0 && id.length <= MAX_OPERATION_ID_LENGTH) return id;
  const message = `\`extensions.operationId\` must be a text of 1 to ${MAX_OPERATION_ID_LENGTH} characters`;
  throw new RivuletError('OPERATION_ID_INVALID', message);
}

const MAX_OPERATION_ID_LENGTH = 200;
