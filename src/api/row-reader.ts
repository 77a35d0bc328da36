import { and, normalize } from '../../shared/filter/normalize.js';
import { parseOrder } from '../../shared/filter/order.js';
import type { Model, ModelTable } from '../../shared/model/types.js';
import type { Database } from '../database/types.js';
import { rightsKey } from '../policy/rights-key.js';
import type { AccessRights } from '../policy/types.js';
import { keysPredicate } from '../query/key.js';
import { runSelect } from '../query/select.js';
import type { TransactionInfo } from '../scope/messages/types.js';
import { invalidOption } from './errors.js';
import { toPlainRow } from './row.js';
import type { UntypedRow } from './types.js';

/** The row that a change is about. */
export interface ChangeOrigin {
  readonly table: ModelTable;
  readonly key: string;
  readonly rights: AccessRights | null;
  readonly transaction: TransactionInfo | null;
}

type Row = Readonly<UntypedRow> | null;

/** Readings of one table, for the same rights, that wait for the turn to end. */
interface Batch {
  readonly table: ModelTable;
  readonly rights: AccessRights | null;
  readonly waiting: Map<string, { resolve: (row: Row) => void; reject: (error: unknown) => void }>;
}

/** Keys asked for in one statement. */
const MAX_KEYS = 1_000;

/**
 * Reads the rows that changes are about: once for a change of a transaction, whichever subscriber
 * asks, and all of one turn in one statement a table. What was read is forgotten with the
 * transaction's messages.
 */
export class RowReader {
  readonly #database: Database;
  readonly #model: Model;
  readonly #origins = new WeakMap<object, ChangeOrigin>();
  readonly #read = new WeakMap<object, Map<string, Promise<Row>>>();
  #batches = new Map<string, Batch>();

  constructor(database: Database, model: Model) {
    this.#database = database;
    this.#model = model;
  }

  know(change: object, origin: ChangeOrigin): void {
    this.#origins.set(change, origin);
  }

  /** Throws `CHANGES_INVALID` on what is no change of this API. */
  get(change: object): Promise<Row> {
    const origin = this.#origins.get(change);
    if (!origin) throw invalidOption('This is no change of a stream of this API.');
    const { table, key, rights, transaction } = origin;
    const holder = transaction ?? change;
    let read = this.#read.get(holder);
    if (!read) {
      read = new Map();
      this.#read.set(holder, read);
    }
    const view = rights ? rightsKey(rights, [table]) : table.name;
    const id = JSON.stringify([view, key]);
    let row = read.get(id);
    if (!row) {
      row = this.#ask(view, origin);
      read.set(id, row);
      const known = read;
      row.catch(() => known.delete(id));
    }
    return row;
  }

  #ask(view: string, { table, key, rights }: ChangeOrigin): Promise<Row> {
    // Microtasks would be too early: each subscriber of a message goes on in one of its own.
    if (this.#batches.size === 0) setImmediate(() => this.#flush());
    let batch = this.#batches.get(view);
    if (!batch) {
      batch = { table, rights, waiting: new Map() };
      this.#batches.set(view, batch);
    }
    const { waiting } = batch;
    return new Promise((resolve, reject) => {
      const other = waiting.get(key);
      waiting.set(key, {
        resolve: (row) => {
          other?.resolve(row);
          resolve(row);
        },
        reject: (error) => {
          other?.reject(error);
          reject(error);
        },
      });
    });
  }

  #flush(): void {
    const batches = this.#batches;
    this.#batches = new Map();
    for (const { table, rights, waiting } of batches.values()) {
      const entries = [...waiting];
      for (let at = 0; at < entries.length; at += MAX_KEYS) {
        const part = new Map(entries.slice(at, at + MAX_KEYS));
        this.#run({ table, rights, waiting: part }).catch((error) => {
          for (const { reject } of part.values()) reject(error);
        });
      }
    }
  }

  async #run({ table, rights, waiting }: Batch): Promise<void> {
    const keys = keysPredicate(table, [...waiting.keys()]);
    const { rows } = await runSelect(this.#database, this.#model, {
      table,
      filter: normalize(rights ? and(keys, rights.filter(table, 'read')) : keys),
      orderBy: parseOrder(table, undefined),
      limit: null,
      offset: 0,
      related: [],
    });
    const hidden = new Set(
      rights ? table.columns.filter((column) => !rights.canReadColumn(table, column)) : [],
    );
    const found = new Map(rows.map(({ key, cells }) => [key, toPlainRow(table, cells, hidden)]));
    for (const [key, { resolve }] of waiting) resolve(found.get(key) ?? null);
  }
}
