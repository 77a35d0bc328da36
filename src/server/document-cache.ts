import type { DocumentNode } from 'graphql';

/** Parsed documents by their text, the least recently used first out. */
export interface DocumentCache {
  get(text: string): DocumentNode | undefined;
  set(text: string, document: DocumentNode): void;
}

/**
 * Bounded by what clients can make it hold: `maxEntries` documents, none of them longer than `maxLength` characters. A
 * longer one is parsed anew each time.
 */
export function createDocumentCache(maxEntries = 1_000, maxLength = 20_000): DocumentCache {
  const entries = new Map<string, DocumentNode>();
  return {
    get(text) {
      const document = entries.get(text);
      if (document === undefined) return undefined;
      entries.delete(text);
      entries.set(text, document);
      return document;
    },
    set(text, document) {
      if (text.length > maxLength) return;
      entries.delete(text);
      entries.set(text, document);
      if (entries.size <= maxEntries) return;
      for (const oldest of entries.keys()) {
        entries.delete(oldest);
        return;
      }
    },
  };
}
