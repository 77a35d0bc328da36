import { RivuletError } from '../../../shared/errors.js';
import type { OperationLimits } from '../engine/config.js';
import type { DocumentSize } from './document-size.js';

type DocumentCode =
  | 'DOCUMENT_TOO_LONG'
  | 'DOCUMENT_TOO_DEEP'
  | 'DOCUMENT_TOO_MANY_ALIASES'
  | 'DOCUMENT_TOO_LARGE';
type DocumentLimit = Exclude<keyof DocumentSize, 'isCyclic' | 'characters'> & keyof OperationLimits;

const CODES: Readonly<Record<DocumentLimit, DocumentCode>> = {
  tokens: 'DOCUMENT_TOO_LONG',
  depth: 'DOCUMENT_TOO_DEEP',
  aliases: 'DOCUMENT_TOO_MANY_ALIASES',
  fields: 'DOCUMENT_TOO_LARGE',
  rootFields: 'DOCUMENT_TOO_LARGE',
  fragments: 'DOCUMENT_TOO_LARGE',
  spreads: 'DOCUMENT_TOO_LARGE',
  directives: 'DOCUMENT_TOO_LARGE',
  variables: 'DOCUMENT_TOO_LARGE',
};

const CALLED: Readonly<Record<DocumentLimit, string>> = {
  tokens: 'tokens',
  depth: 'levels of fields',
  aliases: 'aliases',
  fields: 'fields, those of fragments counted at each use',
  rootFields: 'root fields',
  fragments: 'fragments',
  spreads: 'fragment spreads, those of fragments counted at each use',
  directives: 'directives',
  variables: 'variables',
};

const NAMES = Object.keys(CODES) as readonly DocumentLimit[];

/** The first limit that a document exceeds, as its refusal; `null` if it is within all of them. */
export function exceededLimit(figures: DocumentSize, limits: OperationLimits): RivuletError | null {
  if (figures.characters > limits.documentCharacters) return tooManyCharacters(limits);
  for (const name of NAMES) if (figures[name] > limits[name]) return exceeded(name, limits[name]);
  return null;
}

export function tooManyCharacters({ documentCharacters }: OperationLimits): RivuletError {
  const message = `the document has more than ${documentCharacters} characters`;
  const details = { limit: 'limits.documentCharacters', maximum: documentCharacters };
  return new RivuletError('DOCUMENT_TOO_LONG', message, details);
}

export function tooManyTokens({ tokens }: OperationLimits): RivuletError {
  return exceeded('tokens', tokens);
}

function exceeded(name: DocumentLimit, maximum: number): RivuletError {
  const message = `the document has more than ${maximum} ${CALLED[name]}`;
  return new RivuletError(CODES[name], message, { limit: `limits.${name}`, maximum });
}
