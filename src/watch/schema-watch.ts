import type { Model } from '../../shared/model/types.js';
import { isPassing } from '../database/retry.js';
import type { Database, DatabaseLogger } from '../database/types.js';
import { readFingerprint, tableId } from './catalog.js';
import type { WatcherDrift } from './drift.js';
import { inspect } from './inspect.js';
import type { WatchPlan } from './types.js';

export interface SchemaWatchOptions {
  readonly database: Database;
  readonly plan: WatchPlan;
  readonly model: Model;
  /** Milliseconds between two checks; default 2,000. */
  readonly everyMs?: number | undefined;
  readonly log?: DatabaseLogger | undefined;
}

type TableName = { readonly sqlSchema: string; readonly sqlName: string };

/**
 * Follows whether the database is still what the schema says, while a server runs. Looking costs
 * one statement on the system catalogs, and more only where something has changed. Each difference
 * is said in the log when it comes, with what mends it, and when it is gone.
 *
 * Where a table's columns were altered, its triggers were switched off, dropped, or made anew in
 * any other way than by installing them, or where its partitions are others, changes may have gone
 * by: that is then written into the change log itself, once, whoever sees it first. So it reaches
 * every reader, later ones too.
 */
export class SchemaWatch {
  /** Called with the tables that can no longer be followed. */
  onRefused: (tables: readonly TableName[]) => void = () => {};
  readonly #options: SchemaWatchOptions;
  #fingerprint = '';
  #drifts: readonly WatcherDrift[] = [];
  #checking: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #isFailing = false;

  constructor(options: SchemaWatchOptions) {
    this.#options = options;
  }

  /** Differences; what is only noted of a table is none. */
  get drifts(): readonly WatcherDrift[] {
    return this.#drifts.filter(({ kind }) => kind !== 'noted');
  }

  /** Why changes of a table cannot be followed at present; `null`: they can. */
  refusal(table: TableName): WatcherDrift | null {
    return this.#drifts.find((drift) => drift.effect !== 'none' && isOf(drift, table)) ?? null;
  }

  /** Looks now, and from then on now and then. */
  async start(): Promise<void> {
    await this.check();
    this.#schedule();
  }

  /**
   * Looks; resolves when a look that began after this call is done. Never rejects: what goes wrong
   * is logged.
   */
  check(): Promise<void> {
    if (!this.#checking) {
      this.#checking = this.#check().finally(() => {
        this.#checking = null;
      });
      return this.#checking;
    }
    this.#next ??= this.#checking.then(() => {
      this.#next = null;
      return this.check();
    });
    return this.#next;
  }

  /** Waits for the look under way. Twice is fine. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await (this.#next ?? this.#checking);
  }

  #schedule(): void {
    if (this.#isStopped) return;
    const { everyMs = 2_000 } = this.#options;
    // Nodes that started together do not stay together.
    const afterMs = everyMs * (0.75 + Math.random() / 4);
    this.#timer = setTimeout(() => void this.check().then(() => this.#schedule()), afterMs);
  }

  async #check(): Promise<void> {
    if (this.#isStopped) return;
    const { database, plan, model, log } = this.#options;
    try {
      const fingerprint = await readFingerprint(database, plan.tables);
      if (fingerprint === this.#fingerprint) return;
      await this.#noteBreaks();
      this.#tell(await inspect(database, plan, model));
      this.#fingerprint = fingerprint;
      this.#isFailing = false;
    } catch (error) {
      const isNew = !this.#isFailing && !isPassing(error);
      this.#isFailing = true;
      log?.[isNew ? 'warn' : 'debug']({ error: String(error) }, 'the schema of the database was not read');
    }
  }

  async #noteBreaks(): Promise<void> {
    const { database, plan, log } = this.#options;
    const tables = JSON.stringify(
      plan.tables.map(({ sqlSchema, sqlName }) => ({ s: sqlSchema, t: sqlName })),
    );
    try {
      const broken = await database.query({
        text: `select w.s, w.t from json_to_recordset($1::text::json) as w(s text, t text) where rivulet.note_break(w.s, w.t)`,
        params: [tables],
      });
      for (const [sqlSchema, sqlName] of broken) {
        log?.warn(
          { table: `${sqlSchema}.${sqlName}` },
          'this table may have changed without being logged: its columns were altered, its triggers switched off or made anew, or its partitions are others; subscribers are told to fetch again',
        );
      }
    } catch (error) {
      if (isPassing(error)) throw error;
      // Without the log, or without the right to write to it.
      log?.debug({ error: String(error) }, 'breaks in the watching of tables are not noted');
    }
  }

  #tell(drifts: readonly WatcherDrift[]): void {
    const { plan, log } = this.#options;
    const before = this.#drifts;
    const wasOpen = plan.tables.filter((table) => this.refusal(table) === null);
    this.#drifts = drifts;
    for (const { message, mend, kind, effect, code } of newIn(drifts, before)) {
      const intro = kind === 'noted' || kind === 'refused' ? '' : 'the database differs from the schema: ';
      log?.warn({ kind, effect, mend, ...(code && { code }) }, intro + message);
    }
    for (const { message, kind } of newIn(before, drifts))
      if (kind !== 'noted') log?.info({}, `mended: ${message}`);
    const refused = wasOpen.filter((table) => this.refusal(table) !== null);
    if (refused.length > 0) this.onRefused(refused);
  }
}

function newIn(drifts: readonly WatcherDrift[], known: readonly WatcherDrift[]): readonly WatcherDrift[] {
  const messages = new Set(known.map(({ message }) => message));
  return drifts.filter(({ message }) => !messages.has(message));
}

function isOf(drift: WatcherDrift, table: TableName): boolean {
  return drift.table === null || tableId(drift.table) === tableId(table);
}
