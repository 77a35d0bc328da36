import { parse } from 'graphql';
import { type ChangeReport, EMPTY_REPORT, groupReports } from '../lists/change-reports.js';
import { type StreamReader, streamReader } from '../lists/read-change-reports.js';
import type { ClientSchema } from '../schema.js';
import type { StreamRequest } from './change-stream-request.js';

/** Reports of live queries' streams that were not delivered to the cached lists yet. */
export class PendingReports {
  readonly #schema: ClientSchema;
  readonly #readers = new WeakMap<StreamRequest, StreamReader>();
  readonly #report: (error: unknown) => void;
  #told: ChangeReport[] = [];

  constructor(schema: ClientSchema, report: (error: unknown) => void) {
    this.#schema = schema;
    this.#report = report;
  }

  get isEmpty(): boolean {
    return this.#told.length === 0;
  }

  /** `message`: what stands under the stream's field. */
  add(stream: StreamRequest, message: unknown): void {
    const reader = this.#readerOf(stream);
    try {
      this.#told.push(reader.read({ [stream.field]: message }));
    } catch (error) {
      this.#report(error);
      this.#told.push({ ...EMPTY_REPORT, unknown: reader.tables });
    }
  }

  /** All of it, transaction by transaction. */
  take(): readonly ChangeReport[] {
    return groupReports(this.#told.splice(0));
  }

  #readerOf(stream: StreamRequest): StreamReader {
    const known = this.#readers.get(stream);
    if (known) return known;
    const reader = streamReader(this.#schema, parse(stream.query), stream.variables);
    if (!reader) throw new TypeError(`${stream.field} is no change stream`);
    this.#readers.set(stream, reader);
    return reader;
  }
}
