import type { DocumentNode } from 'graphql';
import type { DocumentVariables } from '../live/document.js';
import type { ClientSchema } from '../schema.js';
import { type ChangeReport, EMPTY_REPORT } from './change-reports.js';
import type { LiveCoverage } from './list-store.js';
import { type StreamReader, streamReader } from './read-change-reports.js';
import { mutationFields, readMutation } from './read-mutation.js';
import { RecentReports } from './recent-reports.js';
import type { SidePayload } from './side-payload.js';

/** An operation as its client sends it. */
export interface ClientOperation {
  readonly query: DocumentNode;
  readonly variables: DocumentVariables;
}

/**
 * Listens to what passes between one GraphQL client and its server, and says what that tells of
 * cached lists.
 */
export class ResponseListener {
  readonly recent = new RecentReports();
  readonly #schema: ClientSchema;
  readonly #covered: () => Omit<LiveCoverage, 'isOwnWrite'>;
  readonly #report: (error: unknown) => void;
  readonly #mutations: ReturnType<typeof mutationFields>;
  readonly #cursors = new Map<unknown, string>();
  readonly #streams = new Map<unknown, StreamReader | null>();

  constructor(
    schema: ClientSchema,
    covered: () => Omit<LiveCoverage, 'isOwnWrite'>,
    report: (error: unknown) => void,
  ) {
    this.#schema = schema;
    this.#covered = covered;
    this.#report = report;
    this.#mutations = mutationFields(schema);
  }

  /** The answer of a mutation. `undefined`: it says nothing of the schema's tables. */
  mutation(
    { query, variables }: ClientOperation,
    data: unknown,
    mutationId: string,
  ): SidePayload | undefined {
    let told: ChangeReport | undefined;
    try {
      told = readMutation(this.#schema, this.#mutations, query, variables, data, mutationId);
    } catch (error) {
      this.#report(error);
      const tables = [...this.#mutations.values()].map(({ table }) => table.name);
      told = { ...EMPTY_REPORT, unknown: new Set(tables) };
    }
    if (!told) return undefined;
    return this.#carried(this.recent.recordOwn(mutationId, told) ? [told] : [], true);
  }

  /**
   * The position of the application's own change stream; `undefined` if it brought nothing yet, or
   * is none.
   */
  cursorOf(stream: unknown): string | undefined {
    return this.#cursors.get(stream);
  }

  /** A message of somebody's own change stream. `undefined`: it is none. */
  message(stream: unknown, { query, variables }: ClientOperation, data: unknown): SidePayload | undefined {
    const reader = this.#readerOf(stream, query, variables);
    if (!reader) return undefined;
    let told: ChangeReport;
    try {
      told = reader.read(data);
    } catch (error) {
      this.#report(error);
      told = { ...EMPTY_REPORT, unknown: reader.tables };
    }
    if (told.cursor !== null) this.#cursors.set(stream, told.cursor);
    return this.#carried([this.recent.recordStreamed(told, stream)]);
  }

  /** Takes the reports of live queries' streams. */
  live(told: readonly ChangeReport[]): SidePayload {
    return this.#carried(told.map((each) => this.recent.recordStreamed(each)));
  }

  /** Reports that a response may not contain. */
  missed(question: unknown): SidePayload | undefined {
    const told = this.recent.queryAnswered(question);
    return told.length > 0 ? this.#carried(told) : undefined;
  }

  /** The stream ended. */
  forget(stream: unknown): void {
    this.#streams.delete(stream);
    this.#cursors.delete(stream);
    this.recent.forget(stream);
  }

  #carried(told: readonly ChangeReport[], isOwnWrite = false): SidePayload {
    let known: Omit<LiveCoverage, 'isOwnWrite'> | undefined;
    const covered = () => {
      known ??= this.#covered();
      return known;
    };
    return {
      reports: told,
      coverage: {
        isOwnWrite,
        field: (field) => covered().field(field),
        row: (entity) => covered().row(entity),
        column: (entity, name) => covered().column(entity, name),
      },
    };
  }

  #readerOf(stream: unknown, query: DocumentNode, variables: DocumentVariables): StreamReader | undefined {
    const known = this.#streams.get(stream);
    if (known !== undefined) return known ?? undefined;
    const reader = streamReader(this.#schema, query, variables);
    this.#streams.set(stream, reader ?? null);
    return reader;
  }
}
