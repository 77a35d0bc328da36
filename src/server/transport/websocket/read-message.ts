import { type Message, MessageType, validateMessage } from 'graphql-ws';
import { RivuletError } from '../../../../shared/errors.js';
import { assertDepth, hasManyBrackets, tooDeep } from '../../documents/json-depth.js';
import { hasDocumentId } from '../../documents/persisted-documents.js';
import { isRecord } from '../../engine/is-record.js';

/** A text that is no message of the protocol, or one that the server does not read. */
export interface InvalidMessage {
  readonly type: 'invalid';
  /** For the close frame. */
  readonly reason: string;
}

const INVALID: InvalidMessage = { type: 'invalid', reason: 'Invalid message received' };

/**
 * Reads a message of a client. Payloads may be nested `maxDepth` deep: nothing recurses into what
 * is deeper.
 */
export function readMessage(text: string, maxDepth: number): Message | InvalidMessage {
  try {
    const parsed: unknown = JSON.parse(text);
    // Most texts have too few brackets to be deep.
    if (hasManyBrackets(text, maxDepth)) assertPayloadDepth(parsed, maxDepth);
    return validateMessage(withQuery(parsed));
  } catch (error) {
    if (!(error instanceof RivuletError)) return INVALID;
    const { code, message } = tooDeep(maxDepth);
    return { type: 'invalid', reason: `${code}: ${message}` };
  }
}

/**
 * Throws `VARIABLES_TOO_DEEP`. An operation with a document is checked later, so that the error is
 * the operation's own; one that names its document by an id is checked here.
 */
function assertPayloadDepth(message: unknown, maxDepth: number): void {
  if (!isRecord(message)) return;
  const { type, payload } = message;
  if (type !== MessageType.Subscribe || namesDocument(payload)) assertDepth([payload], maxDepth);
}

/**
 * Adds an empty `query` to an operation that names its document by an id: the protocol requires
 * one, the operation does not.
 */
function withQuery(message: unknown): unknown {
  if (!isRecord(message) || message.type !== MessageType.Subscribe) return message;
  const { payload } = message;
  return namesDocument(payload) ? { ...message, payload: { ...payload, query: '' } } : message;
}

/** True for the payload of an operation that names its document by an id, without a text. */
function namesDocument(payload: unknown): payload is Readonly<Record<string, unknown>> {
  return isRecord(payload) && payload.query == null && hasDocumentId(payload);
}
