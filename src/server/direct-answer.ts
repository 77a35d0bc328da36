import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { type GraphQLSchema, getOperationAST, OperationTypeNode } from 'graphql';
import { AnswerTexts } from '../graphql/answer-text.js';
import type { RivuletContext } from '../graphql/context.js';
import { isRecord } from './is-record.js';
import type { Yoga, YogaContext } from './yoga.js';

const JSON_TYPE = 'application/json';
const ONE_WRITE_BYTES = 16 * 1024;
const GRAPHQL_TYPE = 'application/graphql-response+json';

/**
 * Answers the plain case of GraphQL over HTTP, a query that comes as JSON and can be answered whole, without the web's requests,
 * responses and streams around it. Everything else is Yoga's, also whatever goes wrong on the way: nothing was sent then, and the body
 * that was read is handed on.
 */
export class DirectAnswers {
  readonly #yoga: Yoga;
  readonly #maxBytes: number;
  readonly #texts = new AnswerTexts();

  constructor(yoga: Yoga, maxBytes: number) {
    this.#yoga = yoga;
    this.#maxBytes = maxBytes;
  }

  /** Resolves to false where it did not answer. */
  async answer(request: IncomingMessage, response: ServerResponse, context: YogaContext): Promise<boolean> {
    const type = this.#typeOf(request);
    if (type === null) return false;
    const body = await bodyOf(request);
    handOn(request, body);
    const text = await this.#textOf(body, context).catch(() => null);
    if (text === null) return false;
    const length = Buffer.byteLength(text);
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'content-length': length });
    // A string leaves in one write with the headers; for a long one that would be a copy too many.
    response.end(length < ONE_WRITE_BYTES ? text : Buffer.from(text));
    return true;
  }

  /** The media type to answer with; `null` for requests that are not of the plain case. */
  #typeOf({ method, headers, url }: IncomingMessage): string | null {
    const length = Number(headers['content-length']);
    if (method !== 'POST' || url !== '/graphql' || !(length > 0 && length <= this.#maxBytes)) return null;
    const accepted = headers.accept ?? '*/*';
    for (const [range] of accepted.split(',').map((part) => part.trim().split(';'))) {
      if (range === GRAPHQL_TYPE || range === JSON_TYPE) return range;
      if (range === '*/*' || range === 'application/*') return JSON_TYPE;
    }
    return null;
  }

  async #textOf(body: Buffer, yogaContext: YogaContext): Promise<string | null> {
    const params: unknown = JSON.parse(body.toString());
    if (!isRecord(params) || typeof params.query !== 'string') return null;
    const engine = this.#yoga.getEnveloped({ ...yogaContext, params } as never);
    const document = engine.parse(params.query);
    const operationName = params.operationName as string | undefined;
    if (getOperationAST(document, operationName)?.operation !== OperationTypeNode.QUERY) return null;
    const schema: GraphQLSchema = engine.schema;
    if (engine.validate(schema, document).length > 0) return null;
    const contextValue: RivuletContext = await engine.contextFactory();
    const variableValues = params.variables as Record<string, unknown> | undefined;
    return this.#texts.answer({ schema, document, operationName, variableValues, contextValue });
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

/** Where Yoga looks for a body that somebody has read already. */
function handOn(request: IncomingMessage, body: Buffer): void {
  Object.assign(request, { body: Readable.from([body]) });
}
