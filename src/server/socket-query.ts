import { isRecord } from './is-record.js';
import { hasDocumentId } from './persisted-documents.js';

/**
 * The message, with an empty `query` where it names its document by an id instead. The protocol's library requires a text and would close
 * the socket, with everything that it carries, instead of leaving the answer to the operation.
 */
export function withQuery(message: string): string {
  if (!message.includes('persistedQuery') && !message.includes('documentId')) return message;
  let read: unknown;
  try {
    read = JSON.parse(message);
  } catch {
    return message;
  }
  if (!isRecord(read) || read.type !== 'subscribe') return message;
  const { id, type, payload } = read;
  if (!needsQuery(payload)) return message;
  // Other members of the message mean nothing, and may be nested too deep to be written.
  return JSON.stringify({ id, type, payload: { ...payload, query: '' } });
}

/** True for the payload of an operation that names its document by an id, without a text. */
export function needsQuery(payload: unknown): payload is Readonly<Record<string, unknown>> {
  return isRecord(payload) && payload.query == null && hasDocumentId(payload);
}
