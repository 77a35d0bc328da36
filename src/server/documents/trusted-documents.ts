import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type DocumentNode, Kind, parse } from 'graphql';
import { RivuletError } from '../../../shared/errors.js';
import type { TrustedDocumentsConfig } from '../engine/config.js';
import { isRecord } from '../engine/is-record.js';
import { canonicalText, isIntrospection } from './canonical-document.js';

/** The path at which the README lets `rivulet/codegen` write them. */
const DEFAULT_FILE = 'trusted-documents.json';

/** The documents of an application's own clients. */
export interface TrustedDocuments {
  readonly mode: 'manifest' | 'only';
  readonly count: number;
  /** The text of a trusted document, by its key in the file or by the SHA-256 of its text. */
  textOf(id: string): string | undefined;
  /**
   * Returns true if a document may be executed: in the mode `only` it has to be one of the trusted,
   * apart from form.
   */
  accepts(document: DocumentNode): boolean;
  readonly texts: Iterable<string>;
}

/**
 * Reads the trusted documents of a configuration; `null` if it has none. Rejects with
 * `TRUSTED_DOCUMENTS_UNREADABLE`. `introspection`: documents that ask for nothing but the schema
 * are accepted as well.
 */
export async function readTrustedDocuments(
  configured: 'manifest' | 'only' | TrustedDocumentsConfig | undefined,
  introspection: boolean,
): Promise<TrustedDocuments | null> {
  if (configured === undefined) return null;
  const { mode, documents = DEFAULT_FILE } =
    typeof configured === 'string' ? { mode: configured } : configured;
  const texts = new Map<string, string>();
  const canonical = new Set<string>();
  for (const source of Array.isArray(documents) ? documents : [documents]) {
    for (const [id, text] of await entriesOf(source)) {
      texts.set(id, text);
      texts.set(sha256(text), text);
      canonical.add(canonicalOf(id, text));
    }
  }
  return {
    mode,
    count: canonical.size,
    textOf: (id) => texts.get(id),
    accepts: (document) =>
      mode === 'manifest' ||
      canonical.has(sha256(canonicalText(document))) ||
      (introspection && isIntrospection(document)),
    texts: texts.values(),
  };
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function entriesOf(
  source: string | URL | Readonly<Record<string, string>>,
): Promise<readonly [string, string][]> {
  const isFile = typeof source === 'string' || source instanceof URL;
  const read = isFile ? await readJson(source) : source;
  const place = isFile ? String(source) : '`trustedDocuments.documents`';
  if (!isRecord(read)) throw unreadable(`${place} is not an object of documents by their hashes`);
  return Object.entries(read).map(([id, text]) => {
    if (typeof text === 'string') return [id, text];
    throw unreadable(`the document ${id} of ${place} is not a text`);
  });
}

async function readJson(file: string | URL): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw unreadable(`the trusted documents cannot be read: ${message}`, error);
  }
}

function canonicalOf(id: string, text: string): string {
  let document: DocumentNode;
  try {
    document = parse(text, { noLocation: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw unreadable(`the trusted document ${id} cannot be parsed: ${message}`, error);
  }
  if (document.definitions.some(({ kind }) => kind === Kind.OPERATION_DEFINITION)) {
    return sha256(canonicalText(document));
  }
  throw unreadable(`the trusted document ${id} has no operation`);
}

function unreadable(message: string, cause?: unknown): RivuletError {
  return new RivuletError('TRUSTED_DOCUMENTS_UNREADABLE', message, {}, cause);
}
