import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import {
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
} from 'graphql';
import { isPassing } from '../../../database/retry.js';
import { QueryResponseTexts } from '../../../graphql/execute/query-response-text.js';
import { isBatchError } from '../../../graphql/execute/request-reader.js';
import {
  hasDocumentId,
  type PersistedDocuments,
  type SentParams,
} from '../../documents/persisted-documents.js';
import type { ServerLimits } from '../../engine/config.js';
import { isRecord } from '../../engine/is-record.js';
import type { OperationLimiter } from '../../quotas/operation-limits.js';
import { contextOf, type MakeContext, type YogaContext } from './yoga.js';

const JSON_TYPE = 'application/json';
const ONE_WRITE_BYTES = 16 * 1024;
const GRAPHQL_TYPE = 'application/graphql-response+json';

export interface DirectResponsesOptions {
  /** The one that Yoga serves. */
  readonly schema: GraphQLSchema;
  readonly persisted: PersistedDocuments;
  readonly makeContext: MakeContext;
  readonly limits: ServerLimits;
  readonly limiter: OperationLimiter;
}

/**
 * Answers the plain case of GraphQL over HTTP, a query that comes as JSON and can be answered
 * whole, without the web's requests, responses and streams around it. Everything else is Yoga's,
 * also whatever goes wrong on the way: nothing was sent then, and the body that was read is handed
 * on.
 */
export class DirectResponses {
  readonly #schema: GraphQLSchema;
  readonly #persisted: PersistedDocuments;
  readonly #makeContext: MakeContext;
  readonly #limits: ServerLimits;
  readonly #limiter: OperationLimiter;
  readonly #texts = new QueryResponseTexts();

  constructor({ schema, persisted, makeContext, limits, limiter }: DirectResponsesOptions) {
    this.#schema = schema;
    this.#persisted = persisted;
    this.#makeContext = makeContext;
    this.#limits = limits;
    this.#limiter = limiter;
  }

  /** Resolves to false where it did not answer. */
  async answer(request: IncomingMessage, response: ServerResponse, context: YogaContext): Promise<boolean> {
    const type = this.#typeOf(request);
    if (type === null) return false;
    const body = await bodyOf(request);
    const text = await this.#textOf(body, context).catch(() => null);
    if (text === null) {
      passToYoga(request, body);
      return false;
    }
    const length = Buffer.byteLength(text);
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'content-length': length });
    // A string leaves in one write with the headers; for a long one that would be a copy too many.
    response.end(length < ONE_WRITE_BYTES ? text : Buffer.from(text));
    return true;
  }

  /** The media type to answer with; `null` for requests that are not of the plain case. */
  #typeOf({ method, headers, url }: IncomingMessage): string | null {
    const length = Number(headers['content-length']);
    if (method !== 'POST' || url !== '/graphql' || !(length > 0 && length <= this.#limits.bodyBytes))
      return null;
    const accepted = headers.accept ?? '*/*';
    for (const [range] of accepted.split(',').map((part) => part.trim().split(';'))) {
      if (range === GRAPHQL_TYPE || range === JSON_TYPE) return range;
      if (range === '*/*' || range === 'application/*') return JSON_TYPE;
    }
    return null;
  }

  async #textOf(body: Buffer, yogaContext: YogaContext): Promise<string | null> {
    const sent: unknown = JSON.parse(body.toString());
    if (!isPlain(sent)) return null;
    const limits = this.#limiter.isConstant ? null : await this.#limiter.of(yogaContext.session);
    if (limits !== null) yogaContext.limits = limits;
    const taken = this.#persisted.take(sent, limits ?? this.#limits);
    if (taken === null) return null;
    const { params, checked } = taken;
    // Yoga takes what is known by now.
    yogaContext.checked = checked;
    const { document, errors } = checked;
    if (document === null || errors.length > 0) return null;
    const { operationName, variables, extensions } = params;
    const operation = getOperationAST(document, operationName);
    if (operation?.operation !== OperationTypeNode.QUERY) return null;
    const contextValue = await contextOf(this.#makeContext, yogaContext, extensions);
    try {
      const text = await this.#texts.answer({
        schema: this.#schema,
        document,
        operationName,
        variableValues: variables,
        contextValue,
      });
      const holding = contextValue.rightsHold?.();
      if (holding !== undefined) await holding;
      return text;
    } catch (error) {
      if (contextValue.reader?.failure === error && isFinal(error, operation)) yogaContext.refusal = error;
      throw error;
    }
  }
}

/**
 * True where asking again, which would find the error's place, costs a statement and cannot end
 * otherwise.
 */
function isFinal(error: unknown, { selectionSet: { selections } }: OperationDefinitionNode): boolean {
  const hasOnePlace = selections.length === 1 && selections[0]!.kind === Kind.FIELD;
  return (hasOnePlace || isBatchError(error)) && !isPassing(error);
}

const PARAMS: Readonly<Record<string, (value: unknown) => boolean>> = {
  query: (value) => typeof value === 'string',
  documentId: (value) => typeof value === 'string',
  operationName: (value) => typeof value === 'string',
  variables: isRecord,
  extensions: isRecord,
};

/** Refuses other parameters, and parameters of another type, in Yoga's words. */
function isPlain(params: unknown): params is SentParams {
  if (!isRecord(params)) return false;
  for (const [name, value] of Object.entries(params)) {
    if (!Object.hasOwn(PARAMS, name)) return false;
    if (value !== null && !PARAMS[name]!(value)) return false;
  }
  return typeof params.query === 'string' || hasDocumentId(params);
}

/** Rejects where the peer goes before it has sent all of it. */
function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (request.destroyed) throw request.errored ?? new Error('the request was cut off');
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => resolve(parts.length === 1 ? parts[0]! : Buffer.concat(parts)));
    request.on('error', reject);
  });
}

/** The property in which Yoga looks for a body that was read already. */
function passToYoga(request: IncomingMessage, body: Buffer): void {
  Object.assign(request, { body: Readable.from([body]) });
}
