import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  NoSchemaIntrospectionCustomRule,
  OverlappingFieldsCanBeMergedRule,
  parse,
  specifiedRules,
  type ValidationRule,
  validate,
} from 'graphql';
import { RivuletError } from '../../../shared/errors.js';
import { ByteCache } from '../../graphql/execute/byte-cache.js';
import { clientError } from '../engine/client-errors.js';
import type { OperationLimits } from '../engine/config.js';
import { exceededLimit, tooManyCharacters, tooManyTokens } from './document-limits.js';
import { placeErrors } from './document-locations.js';
import { mergingRule } from './document-merging.js';
import { type DocumentSize, measureDocument } from './document-size.js';

/** Estimate of what a token of a kept document costs: its nodes, and what is compiled of it. */
const TOKEN_BYTES = 400;

export interface DocumentStoreOptions {
  readonly schema: GraphQLSchema;
  readonly introspection: boolean;
  readonly cacheBytes: number;
  /** Returns false for documents that must not be executed. Default: all may be. */
  readonly accepts?: (document: DocumentNode) => boolean;
}

/** A text that was parsed and, if it could be, validated. */
export interface CheckedDocument {
  /** Equal texts are one string as long as their document is kept. */
  readonly text: string;
  /** `null` if it could not be parsed; the only error says why. */
  readonly document: DocumentNode | null;
  /** As clients may see them; none if the document may be executed. */
  readonly errors: readonly GraphQLError[];
}

interface ValidDocument extends CheckedDocument {
  readonly document: DocumentNode;
  readonly figures: DocumentSize;
}

/**
 * Parses, measures and validates documents, for every transport. Only valid ones are kept, without
 * locations, within a budget of bytes; the others leave nothing behind. Equal texts give the same
 * document as long as it is kept, which is what subscribers share by.
 */
export class DocumentStore {
  readonly #schema: GraphQLSchema;
  readonly #hideSuggestions: boolean;
  readonly #rules: readonly ValidationRule[];
  readonly #valid: ByteCache<ValidDocument>;
  readonly #accepts: (document: DocumentNode) => boolean;

  constructor({ schema, introspection, cacheBytes, accepts = () => true }: DocumentStoreOptions) {
    this.#accepts = accepts;
    this.#schema = schema;
    // Suggestions would tell the names of fields that were nearly right.
    this.#hideSuggestions = !introspection;
    this.#rules = rulesOf(introspection);
    this.#valid = new ByteCache(cacheBytes);
  }

  /**
   * A text's document, or the errors. Limits are compared with the document's figures each time,
   * before it is validated.
   */
  check(text: string, limits: OperationLimits): CheckedDocument {
    const known = this.#valid.get(text);
    if (known !== undefined) {
      const exceeded = exceededLimit(known.figures, limits);
      return exceeded === null ? known : { ...known, errors: [clientError(exceeded)] };
    }
    try {
      return this.#checked(text, limits);
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      return { text, document: null, errors: [error] };
    }
  }

  /** Documents that are kept, and the bytes that they count for. */
  get kept(): { readonly count: number; readonly bytes: number } {
    return { count: this.#valid.size, bytes: this.#valid.bytes };
  }

  #checked(text: string, limits: OperationLimits): CheckedDocument {
    if (text.length > limits.documentCharacters) throw clientError(tooManyCharacters(limits));
    const document = parsed(text, limits);
    const figures = measureDocument(document, text);
    const exceeded = exceededLimit(figures, limits);
    if (exceeded !== null) return { text, document, errors: [clientError(exceeded)] };
    if (!this.#accepts(document)) return { text, document, errors: [clientError(notTrusted())] };
    const rules = figures.isCyclic ? this.#rules : [...this.#rules, mergingRule];
    const options = { maxErrors: limits.errors, hideSuggestions: this.#hideSuggestions };
    const errors = validate(this.#schema, document, rules, options);
    placeErrors(errors, document, text);
    const checked = { text, document, figures, errors };
    if (errors.length === 0) this.#valid.set(text, checked, text.length + figures.tokens * TOKEN_BYTES);
    return checked;
  }
}

function notTrusted(): RivuletError {
  return new RivuletError(
    'DOCUMENT_NOT_TRUSTED',
    'this document is not one of those that this server executes',
  );
}

function rulesOf(introspection: boolean): readonly ValidationRule[] {
  const rules = specifiedRules.filter((rule) => rule !== OverlappingFieldsCanBeMergedRule);
  return introspection ? rules : [...rules, NoSchemaIntrospectionCustomRule];
}

/** graphql has no code for it; 16.15 says "more that". */
const TOO_MANY_TOKENS = /Document contains more tha[nt] \d+ tokens/;

function parsed(text: string, limits: OperationLimits): DocumentNode {
  try {
    return parse(text, { noLocation: true, maxTokens: limits.tokens });
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    if (TOO_MANY_TOKENS.test(error.message)) throw clientError(tooManyTokens(limits));
    const { message, locations } = error;
    const extensions = { code: 'GRAPHQL_PARSE_FAILED', http: { status: 400, spec: true } };
    // Without the source, which would be kept as long as the error.
    throw Object.assign(new GraphQLError(message, { extensions }), { locations });
  }
}
