import { RivuletError } from '../../../shared/errors.js';
import { ByteCache } from '../../graphql/execute/byte-cache.js';
import type { OperationLimits } from '../engine/config.js';
import { isRecord } from '../engine/is-record.js';
import type { CheckedDocument, DocumentStore } from './document-store.js';
import { assertDepth } from './json-depth.js';
import { sha256, type TrustedDocuments } from './trusted-documents.js';

/** A client's request to run an operation. */
export interface OperationParams {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | null | undefined;
}

/** Bytes of an entry besides its text. */
const ENTRY_BYTES = 200;
const DOCUMENT_ID_PREFIX = 'sha256:';

/** An operation as a client sends it: with its document, with the document's id, or with both. */
export type SentParams = Omit<OperationParams, 'query'> & {
  readonly query?: string | null | undefined;
  readonly documentId?: unknown;
};

/** An operation with its document, which was checked. */
export interface CheckedOperation {
  readonly params: OperationParams;
  readonly checked: CheckedDocument;
}

/**
 * Finds the document of each operation, for every transport: by its text, by the hash of Apollo's
 * automatic persisted queries (`extensions.persistedQuery`), or by `documentId`. Hashes of trusted
 * documents are known from the start; others when a client has sent hash and document together and
 * the document was found valid. What clients add is bounded in bytes, on this node.
 */
export class PersistedDocuments {
  readonly #documents: DocumentStore;
  readonly #trusted: TrustedDocuments | null;
  readonly #added: ByteCache<string>;

  constructor(documents: DocumentStore, trusted: TrustedDocuments | null, maxBytes: number) {
    this.#documents = documents;
    this.#trusted = trusted;
    this.#added = new ByteCache(maxBytes);
  }

  /** Documents that clients have added, and the bytes that they count for. */
  get added(): { readonly count: number; readonly bytes: number } {
    return { count: this.#added.size, bytes: this.#added.bytes };
  }

  /**
   * `null` for params that have neither document nor id. Throws `PERSISTED_QUERY_…`, and
   * `VARIABLES_TOO_DEEP`, before anything else looks into the values.
   */
  take(sent: SentParams, limits: OperationLimits): CheckedOperation | null {
    assertDepth([sent.variables, sent.extensions], limits.variableDepth);
    const hash = hashOf(sent);
    const isText = typeof sent.query === 'string' && (sent.query !== '' || hash === null);
    if (!isText && hash === null) return null;
    const text = isText ? (sent.query as string) : this.#textOf(hash as string);
    const { documentId: _, ...params } = sent;
    const isNew = hash !== null && isText && this.#textOf(hash, false) !== text;
    if (isNew && sha256(text) !== hash) {
      throw new RivuletError('PERSISTED_QUERY_MISMATCH', 'the hash is not that of the document');
    }
    const checked = this.#documents.check(text, limits);
    if (isNew && checked.errors.length === 0) {
      this.#added.set(hash, checked.text, hash.length + checked.text.length + ENTRY_BYTES);
    }
    return { params: { ...params, query: text }, checked };
  }

  #textOf(hash: string): string;
  #textOf(hash: string, isNeeded: false): string | undefined;
  #textOf(hash: string, isNeeded = true): string | undefined {
    const text = this.#trusted?.textOf(hash) ?? this.#added.get(hash);
    // In the words that clients wait for.
    if (text === undefined && isNeeded) {
      throw new RivuletError('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
    }
    return text;
  }
}

/** Returns true if the operation names its document by an id. */
export function hasDocumentId({ extensions, documentId }: SentParams): boolean {
  return typeof documentId === 'string' || (isRecord(extensions) && isRecord(extensions.persistedQuery));
}

function hashOf({ extensions, documentId }: SentParams): string | null {
  if (typeof documentId === 'string') {
    return documentId.startsWith(DOCUMENT_ID_PREFIX)
      ? documentId.slice(DOCUMENT_ID_PREFIX.length)
      : documentId;
  }
  const persisted = isRecord(extensions) ? extensions.persistedQuery : undefined;
  if (!isRecord(persisted)) return null;
  const { version, sha256Hash } = persisted;
  if (version === 1 && typeof sha256Hash === 'string') return sha256Hash;
  throw new RivuletError('PERSISTED_QUERY_NOT_SUPPORTED', 'PersistedQueryNotSupported');
}
