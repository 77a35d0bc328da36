import {
  execute,
  GraphQLError,
  type GraphQLSchema,
  NoSchemaIntrospectionCustomRule,
  parse,
  type SubscriptionArgs,
} from 'graphql';
import { createYoga, type Plugin, useSchema, type YogaServerInstance } from 'graphql-yoga';
import { RivuletError } from '../errors.js';
import type { Outgoing, RivuletContext, StreamStart } from '../graphql/context.js';
import { SharedSubscriptions } from '../graphql/shared-subscribe.js';
import type { Limits } from './config.js';
import { CORS } from './cors.js';
import { createDocumentCache } from './document-cache.js';
import { checkDocument } from './document-limits.js';
import { until } from './expiry.js';
import { type GraphiQLSettings, graphiqlOptions } from './graphiql.js';
import type { Identity } from './identity.js';
import { isRecord } from './is-record.js';
import type { Logger } from './logger.js';
import { clientError, maskError } from './mask.js';
import { type Streaming, streamedResults } from './sse-results.js';

/** What Yoga is handed with each request or operation. */
export interface YogaContext {
  /** Settled where the request was admitted; a WebSocket's is settled before its first operation. */
  readonly identity: () => Promise<Identity>;
  /** False where the identity is that of a WebSocket, which is closed when its token expires. */
  readonly endAtExpiry: boolean;
  /** The header by which an event stream says what came last. Default: none. */
  readonly lastEventId?: string | null;
  /** Set where a subscription goes on under other rights than it began with. */
  readonly rightsChanged?: boolean;
  /** Where results go past Yoga. Not with `endAtExpiry`: nothing is told after the end. */
  readonly outgoing?: Outgoing;
  /** Given with each HTTP request; filled with what is to be streamed. */
  readonly streaming?: Streaming;
}

export type Yoga = YogaServerInstance<YogaContext, RivuletContext>;

export interface YogaOptions {
  readonly schema: GraphQLSchema;
  readonly limits: Limits;
  readonly origins: readonly string[];
  readonly introspection: boolean;
  /** `null`: no GraphiQL. */
  readonly graphiql: GraphiQLSettings | null;
  readonly logger: Logger;
  readonly makeContext: MakeContext;
}

export type MakeContext = (identity: Identity, extensions: unknown, start: StreamStart) => RivuletContext;

/**
 * GraphQL over HTTP and SSE, and the engine (parse, limits, validate, context, execute, mask) that the WebSocket uses as
 * well, so that no transport has rules of its own.
 */
export async function createYogaServer(options: YogaOptions): Promise<Yoga> {
  const { graphiql, logger, limits } = options;
  const render =
    graphiql === null ? undefined : (await import('@graphql-yoga/render-graphiql')).renderGraphiQL;
  return createYoga<YogaContext, RivuletContext>({
    graphqlEndpoint: '/graphql',
    landingPage: false,
    batching: false,
    multipart: false,
    logging: false,
    maxRequestBodySize: limits.bodyBytes,
    parserAndValidationCache: { documentCache: createDocumentCache(), errorCache: NO_CACHE },
    maskedErrors: { maskError: (error) => maskError(error, logger) },
    cors: (request) => {
      const origin = request.headers.get('origin');
      if (origin === null || !options.origins.includes(origin)) return false;
      return { ...CORS, origin };
    },
    graphiql: graphiql === null ? false : (request) => graphiqlOptions(graphiql, request.headers.get('host')),
    renderGraphiQL: render,
    context: (request) => contextOf(options.makeContext, request, request.params?.extensions),
    plugins: [
      useSchema(options.schema),
      engine(limits.tokens),
      documentLimits(limits),
      ...(options.introspection ? [] : [noIntrospection]),
      endAtExpiry,
      answerCursor,
      streamedResults,
    ],
  });
}

/** What the engine adds to a request's context. Rejects where the sender is not who it says, and where it says a bad cursor. */
export async function contextOf(
  makeContext: MakeContext,
  context: YogaContext,
  extensions: unknown,
): Promise<RivuletContext> {
  return makeContext(await context.identity(), extensions, startOf(context, extensions));
}

/** `extensions: { rivulet: { after: cursor } }` says the same as `after:`, for whoever cannot change the document. */
function startOf({ lastEventId, rightsChanged }: YogaContext, extensions: unknown): StreamStart {
  if (rightsChanged === true) return { kind: 'rightsChanged' };
  const own = isRecord(extensions) && isRecord(extensions.rivulet) ? extensions.rivulet.after : undefined;
  if (own !== undefined && own !== null && typeof own !== 'string') {
    throw new RivuletError('CURSOR_INVALID', 'The cursor is not valid');
  }
  return { kind: 'resume', lastEventId: lastEventId ?? null, after: own ?? null };
}

const NO_CACHE = { get: () => undefined, set: () => {} };

/** graphql's own functions, with the limit of tokens, and a code on syntax errors. */
function engine(maxTokens: number): Plugin {
  const shared = new SharedSubscriptions();
  return {
    onParse({ setParseFn }) {
      setParseFn((source: string, parseOptions: object) => {
        try {
          return parse(source, { ...parseOptions, maxTokens });
        } catch (error) {
          throw codedSyntaxError(error, maxTokens);
        }
      });
    },
    onExecute({ setExecuteFn }) {
      setExecuteFn(execute);
    },
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn((args: SubscriptionArgs) => shared.subscribe(args));
    },
  };
}

/** graphql has no code for it; 16.15 says "more that". */
const TOO_MANY_TOKENS = /Document contains more tha[nt] \d+ tokens/;

function codedSyntaxError(error: unknown, maxTokens: number): unknown {
  if (!(error instanceof GraphQLError)) return error;
  if (TOO_MANY_TOKENS.test(error.message)) {
    const message = `the document has more than ${maxTokens} tokens`;
    return clientError(new RivuletError('DOCUMENT_TOO_LONG', message), error);
  }
  return new GraphQLError(error.message, {
    source: error.source,
    positions: error.positions,
    extensions: { code: 'GRAPHQL_PARSE_FAILED', http: { status: 400, spec: true } },
  });
}

/** Before validation, so that what is too large is not validated. */
function documentLimits(limits: Limits): Plugin {
  return {
    onValidate({ params, setResult }) {
      const errors = checkDocument(params.documentAST, limits);
      if (errors.length > 0) setResult(errors);
    },
  };
}

/** Neither by asking nor by guessing: graphql's suggestions would tell the names of fields that were nearly right. */
const noIntrospection: Plugin = {
  onValidate({ addValidationRule }) {
    addValidationRule(NoSchemaIntrospectionCustomRule);
    return ({ result, setResult }) => {
      const errors = result as readonly GraphQLError[];
      if (errors.some(hasSuggestion)) setResult(errors.map(withoutSuggestion));
    };
  },
};

const SUGGESTION = / Did you mean [\s\S]*$/;

function hasSuggestion(error: GraphQLError): boolean {
  return SUGGESTION.test(error.message);
}

function withoutSuggestion(error: GraphQLError): GraphQLError {
  if (!hasSuggestion(error)) return error;
  const { source, positions, nodes, extensions } = error;
  return new GraphQLError(error.message.replace(SUGGESTION, ''), { source, positions, nodes, extensions });
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

/** A subscription over SSE ends, with an error that says so, when the token does. */
const endAtExpiry: Plugin<YogaContext> = {
  async onSubscribe({ args }) {
    const context = args.contextValue;
    if (!context.endAtExpiry) return undefined;
    const { expiresAtMs } = await context.identity();
    if (expiresAtMs === null) return undefined;
    return {
      onSubscribeResult({ result, setResult }) {
        if (!(Symbol.asyncIterator in result)) return;
        const expired = clientError(new RivuletError('TOKEN_EXPIRED', 'the token has expired'));
        setResult(until(result, expiresAtMs, () => ({ errors: [expired] })));
      },
    };
  },
};
