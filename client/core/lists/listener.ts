import type { DocumentNode } from 'graphql';
import type { Variables } from '../live/document.js';
import type { ClientSchema } from '../schema.js';
import type { Carried } from './carried.js';
import { mutationFields, readMutation } from './read-mutation.js';
import { type StreamReader, streamReader } from './read-told.js';
import { RecentTold } from './recent.js';
import type { Covered } from './store.js';
import { NOTHING_TOLD, type Told } from './told.js';

/** An operation as its client sends it. */
export interface Asked {
  readonly query: DocumentNode;
  readonly variables: Variables;
}

/** Listens to what passes between one GraphQL client and its server, and says what that tells of cached lists. */
export class Listener {
  readonly recent = new RecentTold();
  readonly #schema: ClientSchema;
  readonly #covered: () => Omit<Covered, 'isOwnWrite'>;
  readonly #report: (error: unknown) => void;
  readonly #mutations: ReturnType<typeof mutationFields>;
  readonly #cursors = new Map<unknown, string>();
  readonly #streams = new Map<unknown, StreamReader | null>();

  constructor(
    schema: ClientSchema,
    covered: () => Omit<Covered, 'isOwnWrite'>,
    report: (error: unknown) => void,
  ) {
    this.#schema = schema;
    this.#covered = covered;
    this.#report = report;
    this.#mutations = mutationFields(schema);
  }

  /** The answer of a mutation. `undefined`: it says nothing of the schema's tables. */
  mutation({ query, variables }: Asked, data: unknown, mutationId: string): Carried | undefined {
    let told: Told | undefined;
    try {
      told = readMutation(this.#schema, this.#mutations, query, variables, data, mutationId);
    } catch (error) {
      this.#report(error);
      const tables = [...this.#mutations.values()].map(({ table }) => table.name);
      told = { ...NOTHING_TOLD, unknown: new Set(tables) };
    }
    if (!told) return undefined;
    return this.#carried(this.recent.own(mutationId, told) ? [told] : [], true);
  }

  /** Where somebody's own change stream is; `undefined`: it brought nothing yet, or is none. */
  cursorOf(stream: unknown): string | undefined {
    return this.#cursors.get(stream);
  }

  /** A message of somebody's own change stream. `undefined`: it is none. */
  message(stream: unknown, { query, variables }: Asked, data: unknown): Carried | undefined {
    const reader = this.#readerOf(stream, query, variables);
    if (!reader) return undefined;
    let told: Told;
    try {
      told = reader.read(data);
    } catch (error) {
      this.#report(error);
      told = { ...NOTHING_TOLD, unknown: reader.tables };
    }
    if (told.cursor !== null) this.#cursors.set(stream, told.cursor);
    return this.#carried([this.recent.tell(told, stream)]);
  }

  /** What the streams of live queries say. */
  live(told: readonly Told[]): Carried {
    return this.#carried(told.map((each) => this.recent.tell(each)));
  }

  /** What an answer may not know. */
  missed(question: unknown): Carried | undefined {
    const told = this.recent.answered(question);
    return told.length > 0 ? this.#carried(told) : undefined;
  }

  /** The stream ended. */
  forget(stream: unknown): void {
    this.#streams.delete(stream);
    this.#cursors.delete(stream);
    this.recent.forget(stream);
  }

  #carried(told: readonly Told[], isOwnWrite = false): Carried {
    let known: Omit<Covered, 'isOwnWrite'> | undefined;
    const covered = () => {
      known ??= this.#covered();
      return known;
    };
    return {
      told,
      covered: {
        isOwnWrite,
        field: (field) => covered().field(field),
        row: (entity) => covered().row(entity),
        column: (entity, name) => covered().column(entity, name),
      },
    };
  }

  #readerOf(stream: unknown, query: DocumentNode, variables: Variables): StreamReader | undefined {
    const known = this.#streams.get(stream);
    if (known !== undefined) return known ?? undefined;
    const reader = streamReader(this.#schema, query, variables);
    this.#streams.set(stream, reader ?? null);
    return reader;
  }
}
