import { type ExecutionResult, execute, parse, subscribe } from 'graphql';
import { expect } from 'vitest';
import { readManifest } from '../../client/core/schema.js';
import { type SyncOptions, syncWithNeeds } from '../../client/core/sync.js';
import type { Model, ModelTable } from '../../shared/model/types.js';
import type { Database } from '../../src/database/types.js';
import { createCursorCodec } from '../../src/feed/cursor.js';
import { buildSchema } from '../../src/graphql/build-schema.js';
import type { RivuletContext } from '../../src/graphql/execute/context.js';
import { RequestReader } from '../../src/graphql/execute/request-reader.js';
import { subscriptionFields } from '../../src/graphql/execute/subscription-fields.js';
import { enumNames } from '../../src/graphql/schema/enum-names.js';
import { isId } from '../../src/graphql/schema/type-registry.js';
import { makeManifest } from '../../src/manifest/make.js';
import { resolveRights } from '../../src/policy/resolve-rights.js';
import type { Policies } from '../../src/policy/rules.js';
import type { ScopeRegistry } from '../../src/scope/messages/types.js';
import { type Asked, queryDocument, streamDocument } from './graph-documents.js';

/** One application with its engine; queries and streams run in this process, through the whole of GraphQL. */
export class Oracle {
  readonly #model: Model;
  readonly #options: OracleOptions;
  readonly #schema;
  readonly #cursors;
  readonly manifest;

  constructor(model: Model, options: OracleOptions) {
    this.#model = model;
    this.#options = options;
    this.#schema = buildSchema({
      model,
      policies: options.policies,
      limits: { maxPossibleRows: Number.MAX_SAFE_INTEGER },
      subscriptionFields,
    });
    this.#cursors = createCursorCodec('a secret of the tests', options.epoch);
    const limits = { defaultRows: 100, maxRows: 1_000, maxDepth: 12 };
    this.manifest = readManifest(makeManifest(model, () => true, { limits, enumNames, isId }));
  }

  /** A user's view of some rows, kept by the reducer. */
  async watch(tableName: string, user: unknown, asked: Asked): Promise<Watched> {
    const watched = new Watched(this, this.#model.table(tableName), user, asked);
    await watched.restart();
    return watched;
  }

  async query(table: ModelTable, user: unknown, asked: Asked): Promise<{ rows: unknown; cursor: string }> {
    const context = this.#context(user);
    const document = parse(queryDocument(this.#model, table, asked));
    const { data, errors } = await execute({ schema: this.#schema, document, contextValue: context });
    expect(errors).toBeUndefined();
    return {
      rows: JSON.parse(JSON.stringify(data))[table.fields.many],
      cursor: this.#cursors.encode(context.reader!.snapshot!),
    };
  }

  async stream(
    table: ModelTable,
    user: unknown,
    asked: Asked,
    after: string,
  ): Promise<AsyncGenerator<ExecutionResult>> {
    const document = parse(streamDocument(this.#model, table, asked));
    const contextValue = this.#context(user);
    const result = await subscribe({
      schema: this.#schema,
      document,
      contextValue,
      variableValues: { after },
    });
    if (!(Symbol.asyncIterator in result)) throw new Error(JSON.stringify(result.errors));
    return result as AsyncGenerator<ExecutionResult>;
  }

  #context(user: unknown): RivuletContext {
    const { database, policies, scopes } = this.#options;
    return {
      database,
      user,
      rights: resolveRights(this.#model, policies, user),
      reader: new RequestReader(database),
      live: { scopes, cursors: this.#cursors },
    };
  }
}

export interface OracleOptions {
  readonly database: Database;
  readonly policies: Policies;
  readonly scopes: ScopeRegistry;
  readonly epoch: string;
}

/** A query's answer, and what the reducer made of every message since its cursor. */
export class Watched {
  readonly table: ModelTable;
  readonly user: unknown;
  readonly asked: Asked;
  value: unknown;
  messages = 0;
  /** How often something could not be decided on the client and was fetched. */
  refetched = 0;
  error: unknown = null;
  needsFetch = false;
  readonly #oracle: Oracle;
  readonly #options: SyncOptions;
  #stream: AsyncGenerator<ExecutionResult> | null = null;

  constructor(oracle: Oracle, table: ModelTable, user: unknown, asked: Asked) {
    this.#oracle = oracle;
    this.table = table;
    this.user = user;
    this.asked = asked;
    this.#options = { manifest: oracle.manifest, table: table.name, ...shapeOf(asked) };
  }

  fresh(): Promise<{ rows: unknown; cursor: string }> {
    return this.#oracle.query(this.table, this.user, this.asked);
  }

  /** Fetches, and follows from the answer's cursor. */
  async restart(): Promise<void> {
    await this.stop();
    const { rows, cursor } = await this.fresh();
    this.value = rows;
    this.needsFetch = false;
    this.#stream = await this.#oracle.stream(this.table, this.user, this.asked, cursor);
    void this.#read(this.#stream);
  }

  async stop(): Promise<void> {
    const stream = this.#stream;
    this.#stream = null;
    await stream?.return(undefined);
  }

  async #read(stream: AsyncGenerator<ExecutionResult>): Promise<void> {
    try {
      for await (const { data, errors } of stream) {
        if (errors) throw new Error(JSON.stringify(errors));
        if (this.#stream !== stream) return;
        this.messages++;
        const message = JSON.parse(JSON.stringify(data));
        const once = syncWithNeeds(this.value, message, this.#options);
        const twice = syncWithNeeds(once.value, message, this.#options);
        if (twice.value !== once.value) throw new Error('a message applied twice changed something');
        this.value = once.value;
        if (once.needs.length > 0) this.needsFetch = true;
      }
    } catch (error) {
      this.error = error;
    }
  }
}

/** GraphQL literals are nearly JSON: keys get their quotes, enum values too. */
function literal(text: string): unknown {
  return JSON.parse(
    text
      .replaceAll(/([A-Za-z_]\w*)\s*:/g, '"$1":')
      .replaceAll(/:\s*(?!true|false|null)([A-Za-z_]\w*)\b/g, ':"$1"'),
  );
}

function shapeOf({ where, orderBy, with: below }: Asked): object {
  return {
    limit: 1_000,
    ...(where === undefined ? {} : { where: literal(where) }),
    ...(orderBy === undefined ? {} : { orderBy: literal(orderBy) }),
    ...(below
      ? { with: Object.fromEntries(Object.entries(below).map(([name, inner]) => [name, shapeOf(inner)])) }
      : {}),
  };
}
