import {
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLSchema,
  type SubscriptionArgs,
} from 'graphql';
import {
  createYoga,
  type GraphQLParams,
  type Plugin,
  useSchema,
  type YogaServerInstance,
} from 'graphql-yoga';
import { RivuletError } from '../../../../shared/errors.js';
import type { StatementCancellation } from '../../../database/cancellation.js';
import type { ResultDelivery, RivuletContext, StreamStart } from '../../../graphql/execute/context.js';
import { lastingArgs } from '../../../graphql/execute/lasting-args.js';
import { SharedSubscriptions } from '../../../graphql/execute/shared-subscriptions.js';
import type { UserSession } from '../../auth/session.js';
import { placeErrors } from '../../documents/document-locations.js';
import type { CheckedDocument, DocumentStore } from '../../documents/document-store.js';
import type { PersistedDocuments, SentParams } from '../../documents/persisted-documents.js';
import { clientError, maskError } from '../../engine/client-errors.js';
import type { OperationLimits, ServerLimits } from '../../engine/config.js';
import { isRecord } from '../../engine/is-record.js';
import type { ServerLogger } from '../../engine/logger.js';
import type { OperationLimiter } from '../../quotas/operation-limits.js';
import { CORS } from './cors.js';
import { type GraphiQLSettings, graphiqlOptions } from './graphiql.js';
import { type StreamingRequest, streamedResults } from './streamed-results.js';

/** The context that Yoga receives with each request or operation. */
export interface YogaContext extends RequestOrigin {
  /**
   * Settled where the request was admitted; a WebSocket's is settled before its first operation.
   */
  readonly session: () => Promise<UserSession>;
  /**
   * The request comes from this very machine, under a loopback name and without a proxy between.
   * Default: it does not.
   */
  readonly isLocal?: (() => boolean) | undefined;
  /** The header by which an event stream says what came last. Default: none. */
  readonly lastEventId?: string | null | undefined;
  /** Set where a subscription goes on under other rights than it began with. */
  readonly rightsChanged?: boolean | undefined;
  /**
   * Takes a subscription's results past Yoga, and sees to it that none is delivered by old rights.
   */
  readonly outgoing?: ResultDelivery | undefined;
  /**
   * Why the request was refused when it was tried before, whole: its readings are not tried again.
   */
  refusal?: unknown | undefined;
  /** Given with each HTTP request; filled with what is to be streamed. */
  readonly streaming?: StreamingRequest | undefined;
  /**
   * Limits of this operation, if they depend on the context. Default: the constants of the
   * configuration.
   */
  limits?: OperationLimits | undefined;
  /** Filled when the document was checked. */
  checked?: CheckedDocument | undefined;
}

export type RivuletYoga = YogaServerInstance<YogaContext, RivuletContext>;

export interface YogaOptions {
  readonly schema: GraphQLSchema;
  readonly documents: DocumentStore;
  readonly persisted: PersistedDocuments;
  readonly limiter: OperationLimiter;
  readonly limits: ServerLimits;
  readonly origins: readonly string[];
  readonly introspection: boolean;
  /** `null`: no GraphiQL. */
  readonly graphiql: GraphiQLSettings | null;
  readonly logger: ServerLogger;
  readonly makeContext: MakeContext;
}

/** Makes a context of the rights that the session has at this moment. */
export type MakeContext = (
  session: UserSession,
  extensions: unknown,
  start: StreamStart,
  from: RequestOrigin,
) => RivuletContext;

/** The origin of a request, and the signal that its client has left. */
export interface RequestOrigin {
  /** As limits count it; `null`, and by default: this very machine. */
  readonly address?: string | null | undefined;
  readonly cancellation?: StatementCancellation | undefined;
  /** Limits of this operation, if they depend on the context. */
  readonly limits?: OperationLimits | undefined;
}

/**
 * GraphQL over HTTP and SSE, and the engine (parse, limits, validate, context, execute, mask) that
 * the WebSocket uses as well, so that no transport has rules of its own.
 */
export async function createYogaServer(options: YogaOptions): Promise<RivuletYoga> {
  const { graphiql, logger, limits, documents } = options;
  const render =
    graphiql === null ? undefined : (await import('@graphql-yoga/render-graphiql')).renderGraphiQL;
  return createYoga<YogaContext, RivuletContext>({
    graphqlEndpoint: '/graphql',
    landingPage: false,
    batching: false,
    extraParamNames: ['documentId'],
    multipart: false,
    logging: false,
    maxRequestBodySize: limits.bodyBytes,
    // Theirs keeps what is not valid, and counts documents instead of bytes.
    parserAndValidationCache: false,
    maskedErrors: { maskError: (error) => maskError(error, logger) },
    cors: (request) => {
      const origin = request.headers.get('origin');
      if (origin === null || !options.origins.includes(origin)) return false;
      return { ...CORS, origin };
    },
    graphiql:
      graphiql === null ? false : (_request, { isLocal }) => graphiqlOptions(graphiql, isLocal?.() ?? false),
    renderGraphiQL: render,
    context: (request) => contextOf(options.makeContext, request, request.params?.extensions),
    plugins: [
      useSchema(options.schema),
      documentsById(options.persisted, options.limiter, logger),
      engine(documents, limits, !options.introspection, logger),
      boundedErrors(limits),
      answerCursor,
      streamedResults,
    ],
  });
}

/** The engine's part of a request's context. Rejects if the token or the cursor is invalid. */
export async function contextOf(
  makeContext: MakeContext,
  context: YogaContext,
  extensions: unknown,
): Promise<RivuletContext> {
  const session = await context.session();
  if (session.isSuspended) await session.settled();
  session.assertOpen();
  const made = makeContext(session, extensions, startOf(context, extensions), context);
  if (context.refusal !== undefined) made.reader?.refuse(context.refusal);
  return made;
}

/**
 * `extensions: { rivulet: { after: cursor } }` means the same as `after:`, for clients that cannot
 * change the document.
 */
function startOf({ lastEventId, rightsChanged }: YogaContext, extensions: unknown): StreamStart {
  if (rightsChanged === true) return { kind: 'rightsChanged' };
  const own = isRecord(extensions) && isRecord(extensions.rivulet) ? extensions.rivulet.after : undefined;
  if (own !== undefined && own !== null && typeof own !== 'string') {
    throw new RivuletError('CURSOR_INVALID', 'The cursor is not valid');
  }
  return { kind: 'resume', lastEventId: lastEventId ?? null, after: own ?? null };
}

/** Finds the document of a request, before anybody asks for it. */
function documentsById(
  persisted: PersistedDocuments,
  limiter: OperationLimiter,
  logger: ServerLogger,
): Plugin<YogaContext, YogaContext> {
  return {
    async onParams({ params, request, context, setParams }) {
      const sent = withDocumentId(params, request);
      // Whatever else is wrong with them is said in Yoga's words.
      if (Array.isArray(sent) || !isSent(sent)) return;
      try {
        const limits = context.limits ?? (await limiter.of(context.session));
        if (limits !== null) context.limits = limits;
        const taken = persisted.take(sent, limits ?? limiter.constants);
        if (taken === null) return;
        context.checked = taken.checked;
        setParams(taken.params as GraphQLParams);
      } catch (error) {
        // Thrown, and not set as the result: Yoga goes on to look for the text.
        throw maskError(error, logger);
      }
    },
  };
}

function isSent(params: unknown): params is SentParams {
  if (!isRecord(params)) return false;
  const { query, extensions } = params;
  return (query == null || typeof query === 'string') && (extensions == null || isRecord(extensions));
}

/** As GraphQL over HTTP has it, also in an address, where Yoga does not look for it. */
function withDocumentId(params: unknown, { method, url }: Request): unknown {
  if (method !== 'GET' || !isRecord(params) || !url.includes('documentId=')) return params;
  return { ...params, documentId: new URL(url).searchParams.get('documentId') };
}

/** graphql's own functions; documents come from `documents`. */
function engine(
  documents: DocumentStore,
  limits: OperationLimits,
  hideSuggestions: boolean,
  logger: ServerLogger,
): Plugin<YogaContext> {
  const shared = new SharedSubscriptions();
  return {
    onParse({ context, extendContext, setParseFn }) {
      setParseFn((text: string) => {
        const { checked = documents.check(text, context.limits ?? limits) } = context;
        extendContext({ checked });
        const { document, errors } = checked;
        if (document === null) throw errors[0]!;
        return document;
      });
    },
    onValidate({ context, params, setResult }) {
      const { checked } = context;
      if (checked === undefined || checked.document !== params.documentAST)
        throw new TypeError('this document was not checked');
      setResult([...checked.errors]);
    },
    onExecute({ setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs) => executeByRights({ ...args, hideSuggestions }, logger));
    },
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn((args: SubscriptionArgs) => shared.subscribe(lastingArgs(args, hideSuggestions)));
    },
  };
}

/** Executes, and answers only if the rights that the operation was begun with still hold then. */
async function executeByRights(args: ExecutionArgs, logger: ServerLogger): Promise<ExecutionResult> {
  const { rightsHold } = args.contextValue as RivuletContext;
  if (rightsHold === undefined) return execute(args);
  try {
    await rightsHold();
    const result = await execute(args);
    await rightsHold();
    return result;
  } catch (error) {
    return { errors: [maskError(error, logger)] };
  }
}

/** Gives the errors of an answer their places, and leaves out those that are past the limit. */
function boundedErrors(limits: OperationLimits): Plugin<YogaContext> {
  const bounded = (result: ExecutionResult, args: ExecutionArgs): ExecutionResult => {
    if (result.errors === undefined) return result;
    const context = args.contextValue as YogaContext;
    const { errors: maximum } = context.limits ?? limits;
    const errors = result.errors.slice(0, maximum);
    placeErrors(errors, args.document, context.checked?.text);
    const more = result.errors.length - errors.length;
    if (more > 0) {
      const message = `${more} more errors were left out`;
      const details = { limit: 'limits.errors', maximum };
      errors.push(clientError(new RivuletError('TOO_MANY_ERRORS', message, details)));
    }
    return { ...result, errors };
  };
  return {
    onExecute: ({ args }) => ({
      onExecuteDone({ result, setResult }) {
        if (!(Symbol.asyncIterator in result)) setResult(bounded(result, args));
      },
    }),
    onSubscribe: ({ args }) => ({
      onSubscribeResult({ result, setResult }) {
        if (!(Symbol.asyncIterator in result)) setResult(bounded(result, args));
      },
    }),
  };
}

/** Every answer of a query says where a stream has to start to miss nothing since. */
const answerCursor: Plugin<RivuletContext> = {
  onExecute({ args }) {
    const { reader, live } = args.contextValue as RivuletContext;
    return {
      onExecuteDone({ result, setResult }) {
        if (!reader?.snapshot || !live || Symbol.asyncIterator in result) return;
        const rivulet = { cursor: live.cursors.encode(reader.snapshot) };
        setResult({ ...result, extensions: { ...result.extensions, rivulet } });
      },
    };
  },
};
