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
  if (!isRecord(read) || read.type !== 'subscribe' || !isRecord(read.payload)) return message;
  const { payload } = read;
  if (payload.query != null || !hasDocumentId(payload)) return message;
  return JSON.stringify({ ...read, payload: { ...payload, query: '' } });
}
