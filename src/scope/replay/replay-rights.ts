import { and } from '../../../shared/filter/normalize.js';
import type { RowCells } from '../../../shared/filter/types.js';
import type { ModelTable } from '../../../shared/model/types.js';
import type { Link } from '../../../shared/protocol/messages.js';
import { keyOf } from '../../../shared/value/key.js';
import type { Snapshot } from '../../log/snapshot.js';
import type { LoggedTransaction } from '../../log/types.js';
import { keysPredicate } from '../../query/key.js';
import type { RowNode } from '../../query/types.js';
import type { BatchClient, BatchEvaluator, QueryAnswer, ReadPoint } from '../evaluate/batch-evaluator.js';
import type { ScopeChange } from '../messages/types.js';
import { eachLevel, type ReplayedStep, type ReplayLevel } from './replay-levels.js';

/** The read point at which a replay's rights hold. */
export interface RightsPoint {
  readonly evaluator: BatchEvaluator;
  readonly moment: ReadPoint;
  /**
   * Everything that is replayed, up to that point; `null` if it is not known whole, and the steps
   * are a page of it.
   */
  readonly missed: readonly LoggedTransaction[] | null;
}

/** The database as it is when it is queried: nothing is taken back. */
export const RIGHT_NOW: ReadPoint = { position: endOfTime(), later: [] };

/** Evaluates the steps of a replay by today's rights. */
export interface ReplayVerdicts {
  /** The change with what may be delivered of it; `null`: nothing of the row. Not of a LEAVE. */
  allowed(change: ScopeChange): ScopeChange | null;
  /** False for a link that began and does not hold at the read point. */
  holds(level: ReplayLevel, link: Link): boolean;
  /**
   * The steps may be told only as one: a `where` looks at other rows that changed, and what it
   * found in them may be hidden today. When rows came and left would tell.
   */
  readonly isOne: boolean;
  /** The state of a row at the read point. */
  fateOf(level: ReplayLevel, key: string): 'unchanged' | 'written' | 'gone';
}

/** So many images are evaluated in one statement. */
const IMAGES_AT_ONCE = 2_000;

interface ImageCheck {
  readonly level: ReplayLevel;
  readonly cells: RowCells;
  /** The node carries its relations, as they are at the read point. */
  readonly carries: boolean;
  readonly keep: (node: RowNode | null) => void;
}

/**
 * Evaluates what a replay would deliver by the rights at the read point: an image only if the
 * rights show both the image itself and the row as it is there. A row that is not there any more is
 * shown to nobody. Costs no statement if memory decides: if the tables that the rights read did not
 * change, and the row ends in the scope, or its last image is known and a predicate decides it.
 */
export async function verdictsOf(
  top: ReplayLevel,
  steps: readonly ReplayedStep[],
  point: RightsPoint,
): Promise<ReplayVerdicts> {
  const review = new Review(top, point);
  for (const { delta } of steps) {
    eachLevel(top, delta, (level, changes, links) => review.note(level, changes, links));
  }
  for (const { delta } of steps) {
    eachLevel(top, delta, (level, changes) => {
      for (const change of changes) review.look(level, change);
    });
  }
  await review.run();
  return review;
}

/** The known rows of one level. */
interface LevelNotes {
  readonly last: Map<string, ScopeChange>;
  readonly links: Map<string, Link['kind']>;
  /** Rows whose state at the read point is evaluated, or was. */
  readonly shown: Map<string, boolean>;
}

class Review implements ReplayVerdicts {
  readonly #point: RightsPoint;
  readonly #touched: ReadonlySet<string> | null;
  readonly #finals: ReadonlyMap<string, TableFinals>;
  readonly #notes = new Map<ReplayLevel, LevelNotes>();
  readonly #checks: ImageCheck[] = [];
  readonly #keys = new Map<ReplayLevel, Set<string>>();
  /** Images that the rights do not show. */
  readonly #denied = new Set<ScopeChange>();
  readonly #hiddenBefore = new Set<ScopeChange>();
  readonly #nodes = new Map<ScopeChange, RowNode>();
  readonly #levels = new Map<ScopeChange, ReplayLevel>();
  readonly isOne: boolean;

  constructor(top: ReplayLevel, point: RightsPoint) {
    this.#point = point;
    const { missed } = point;
    this.#finals = finalImages(missed ?? []);
    this.#touched = missed && new Set(this.#finals.keys());
    // Nothing else changed within a page, so a `where` finds now what it found then.
    this.isOne = missed !== null && this.#isAnySought(top);
  }

  #isAnySought({ sought, below }: ReplayLevel): boolean {
    return this.#isTouched(sought) || [...below.values()].some((inner) => this.#isAnySought(inner));
  }

  fateOf({ table }: ReplayLevel, key: string): 'unchanged' | 'written' | 'gone' {
    const finals = this.#finals.get(table.name);
    const known = finals?.rows.get(key);
    if (known) return 'written';
    return known === null || finals?.isEmptied ? 'gone' : 'unchanged';
  }

  note(level: ReplayLevel, changes: readonly ScopeChange[], links: readonly Link[]): void {
    const notes = this.#of(level);
    for (const change of changes) notes.last.set(change.key, change);
    for (const link of links) notes.links.set(linkId(link), link.kind);
  }

  look(level: ReplayLevel, change: ScopeChange): void {
    const { node, previous } = change;
    if (node === null) return;
    this.#levels.set(change, level);
    const notes = this.#of(level);
    // The scope's filter, with these rights in it, found its rows at the read point.
    const isLast = this.#touched !== null && notes.last.get(change.key) === change;
    if (!isLast && !notes.shown.has(change.key)) this.#lookAtRow(level, node, notes);
    const carries = level.related.length > 0 && this.#isTouched(level.relatedTables);
    if (carries || (!isLast && this.#isTouched(level.rightsTables))) {
      this.#check(level, node.cells, carries, (found) => {
        if (found === null) this.#denied.add(change);
        else if (carries) this.#nodes.set(change, found);
      });
    }
    if (previous && this.#isTouched(level.rightsTables)) {
      this.#check(level, previous, false, (found) => {
        if (found === null) this.#hiddenBefore.add(change);
      });
    }
  }

  #lookAtRow(level: ReplayLevel, node: RowNode, { last, shown }: LevelNotes): void {
    const { key } = node;
    const { table, predicate } = level;
    if (this.#touched === null) {
      const keys = this.#keys.get(level);
      if (keys) keys.add(key);
      else this.#keys.set(level, new Set([key]));
      return;
    }
    if (last.get(key)?.node) {
      shown.set(key, true);
      return;
    }
    const final = finalOf(this.#finals.get(table.name), key, node.cells);
    if (final === null || predicate) {
      shown.set(key, final !== null && predicate?.(final) === true);
      return;
    }
    shown.set(key, false);
    this.#check(level, final, false, (found) => shown.set(key, found !== null));
  }

  #isTouched(tables: ReadonlySet<string>): boolean {
    if (tables.size === 0) return false;
    const touched = this.#touched;
    return touched === null || [...tables].some((table) => touched.has(table));
  }

  #check(level: ReplayLevel, cells: RowCells, carries: boolean, keep: ImageCheck['keep']): void {
    this.#checks.push({ level, cells, carries, keep });
  }

  async run(): Promise<void> {
    const { evaluator, moment } = this.#point;
    for (let from = 0; from < this.#checks.length || this.#keys.size > 0; from += IMAGES_AT_ONCE) {
      const round = evaluator.round(moment);
      const client = round.client();
      const reads = [
        ...this.#askKeys(client),
        ...askImages(this.#checks.slice(from, from + IMAGES_AT_ONCE), client),
      ];
      await round.run();
      if (client.error) throw client.error;
      for (const read of reads) read();
    }
  }

  #askKeys(client: BatchClient): (() => void)[] {
    const reads = [...this.#keys].map(([level, keys]) => {
      const { table, rights } = level;
      const { shown } = this.#of(level);
      for (const key of keys) shown.set(key, false);
      const answer = client.keys(table, and(rights, keysPredicate(table, [...keys])), null);
      return () => {
        for (const key of answer.value) shown.set(key, true);
      };
    });
    this.#keys.clear();
    return reads;
  }

  allowed(change: ScopeChange): ScopeChange | null {
    const level = this.#levels.get(change)!;
    const notes = this.#of(level);
    if (this.#denied.has(change) || notes.shown.get(change.key) === false) return null;
    const node = this.#nodes.get(change) ?? change.node;
    if (this.#hiddenBefore.has(change)) return withoutPrevious(level, { ...change, node });
    return node === change.node ? change : { ...change, node };
  }

  holds(level: ReplayLevel, link: Link): boolean {
    return this.#of(level).links.get(linkId(link)) === 'ENTER';
  }

  #of(level: ReplayLevel): LevelNotes {
    let notes = this.#notes.get(level);
    if (!notes) {
      notes = { last: new Map(), links: new Map(), shown: new Map() };
      this.#notes.set(level, notes);
    }
    return notes;
  }
}

/** Without the row before: any column that may be read may have changed. */
export function withoutPrevious({ table, hidden }: ReplayLevel, change: ScopeChange): ScopeChange {
  const changedColumns = table.columns.filter((column) => !hidden.has(column));
  return { ...change, previous: null, changedColumns };
}

export function linkId({ parent, child }: Link): string {
  return JSON.stringify([parent, child]);
}

function askImages(checks: readonly ImageCheck[], client: BatchClient): (() => void)[] {
  const groups = new Map<string, ImageCheck[]>();
  for (const check of checks) {
    const name = `${check.carries} ${check.level.name}`;
    const group = groups.get(name);
    if (group) group.push(check);
    else groups.set(name, [check]);
  }
  return [...groups.values()].map((group) => {
    const { level, carries } = group[0]!;
    const answer: QueryAnswer<readonly (RowNode | null)[]> = client.images({
      table: level.table,
      filter: level.rights,
      images: group.map(({ cells }) => cells),
      related: carries ? level.related : [],
    });
    return () => {
      for (const [at, { keep }] of group.entries()) keep(answer.value[at] ?? null);
    };
  });
}

interface TableFinals {
  readonly rows: Map<string, RowCells | null>;
  /** By a TRUNCATE: rows that are not among `rows` are gone. */
  isEmptied: boolean;
}

/** The last image of each row that changed, by table; `null` for one that is gone. */
function finalImages(transactions: readonly LoggedTransaction[]): ReadonlyMap<string, TableFinals> {
  const finals = new Map<string, TableFinals>();
  for (const { changes } of transactions) {
    for (const { table, op, old, new: after } of changes) {
      const { rows } = finalsOf(finals, table);
      if (op === 'TRUNCATE') {
        rows.clear();
        finalsOf(finals, table).isEmptied = true;
      } else rows.set(keyOf(table, (after ?? old)!), after);
    }
  }
  return finals;
}

function finalsOf(finals: Map<string, TableFinals>, { name }: ModelTable): TableFinals {
  let found = finals.get(name);
  if (!found) {
    found = { rows: new Map(), isEmptied: false };
    finals.set(name, found);
  }
  return found;
}

function finalOf(finals: TableFinals | undefined, key: string, unchanged: RowCells): RowCells | null {
  const known = finals?.rows.get(key);
  if (known !== undefined) return known;
  return finals?.isEmptied ? null : unchanged;
}

function endOfTime(): Snapshot {
  const last = 2n ** 63n;
  return { xmin: last, xmax: last, xip: new Set() };
}
