import type { Database } from '../../../src/database/types.js';
import { EVERYTHING } from './changes.js';
import type { Commit, LedgerTable } from './commits.js';
import { rowName } from './plans.js';

/** A state that a transaction left a row in. */
export interface RowState {
  readonly version: number;
  readonly project: number | null;
  readonly isGone: boolean;
  /** Who made it; `null` where it was there at the beginning. */
  readonly by: Commit | null;
}

/** What one transaction made of one row, all in all. */
export interface Step {
  readonly row: string;
  readonly table: LedgerTable;
  /** `null`: it was not there. */
  readonly before: RowState | null;
  readonly after: RowState;
}

export type Sees = 'yes' | 'no' | 'maybe';

/** Everything that happened between two quiet points, as the ledger tells it. */
export class History {
  readonly commits: readonly Commit[];
  /** Those of which somebody was told. */
  readonly byAcknowledgement: readonly Commit[];
  readonly #byXid = new Map<string, Commit>();
  readonly #states = new Map<string, RowState[]>();
  readonly #steps = new Map<string, Step[]>();

  /** `base`: all rows as they were before. */
  constructor(base: Base, commits: readonly Commit[]) {
    this.commits = commits;
    for (const [row, state] of base) this.#states.set(row, [state]);
    const added = commits.flatMap((commit) => commit.effects.map((effect) => ({ commit, effect })));
    added.sort((a, b) => a.effect.version - b.effect.version);
    for (const { commit, effect } of added) {
      const { table, key, version, project, isGone } = effect;
      const row = rowName(table, key);
      const states = this.#states.get(row) ?? [];
      this.#states.set(row, states);
      const last = states.at(-1);
      const after: RowState = { version, project, isGone, by: commit };
      const steps = this.#steps.get(commit.xid) ?? [];
      this.#steps.set(commit.xid, steps);
      // Its states inside a transaction were never there for anybody else.
      if (last?.by === commit) {
        states[states.length - 1] = after;
        const at = steps.findIndex((step) => step.row === row);
        steps[at] = { ...steps[at]!, after };
      } else {
        states.push(after);
        steps.push({ row, table, before: last === undefined || last.isGone ? null : last, after });
      }
    }
    for (const commit of commits) this.#byXid.set(commit.xid, commit);
    this.byAcknowledgement = commits
      .filter(({ ackedAt }) => ackedAt < Infinity)
      .sort((a, b) => a.ackedAt - b.ackedAt);
  }

  commit(xid: string): Commit | undefined {
    return this.#byXid.get(xid);
  }

  /** What a transaction did; rows that it made and removed again are not in it. */
  steps(xid: string): readonly Step[] {
    return (this.#steps.get(xid) ?? []).filter(({ before, after }) => before !== null || !after.isGone);
  }

  state(row: string, version: number): RowState | undefined {
    const states = this.#states.get(row) ?? [];
    const found = states[firstAfter(states, version - 1)];
    return found?.version === version ? found : undefined;
  }

  /** The state that followed. */
  next(row: string, version: number): RowState | undefined {
    const states = this.#states.get(row) ?? [];
    return states[firstAfter(states, version)];
  }

  /** Whether a user was a member when a transaction happened; `maybe` where that changed about the same time. */
  isMember(user: number, project: number, commit: Commit): Sees {
    const states = this.#states.get(rowName('members', `${project}:${user}`)) ?? [];
    let sees: Sees = 'no';
    for (const { by, isGone } of states) {
      if (by === null || by.ackedAt < commit.begunAt) sees = isGone ? 'no' : 'yes';
      else if (by === commit || by.begunAt <= commit.ackedAt) return 'maybe';
    }
    return sees;
  }

  /** Whether a user became a member, or ceased to be one, by a transaction or after it. */
  changedMembership(user: number, project: number, commit: Commit): boolean {
    const states = this.#states.get(rowName('members', `${project}:${user}`)) ?? [];
    return states.some(({ by }) => by !== null && by.ackedAt >= commit.begunAt);
  }

  /** All rows as they are in the end. */
  end(): Base {
    const end = new Map<string, RowState>();
    for (const [row, states] of this.#states) {
      const last = states.at(-1)!;
      if (!last.isGone) end.set(row, { ...last, by: null });
    }
    return end;
  }
}

/** Index of the first state with a larger version. */
function firstAfter(states: readonly RowState[], version: number): number {
  let [low, high] = [0, states.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (states[middle]!.version > version) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Rows that are there, by name. */
export type Base = ReadonlyMap<string, RowState>;

/** All rows as they are in the database, in one statement. */
export async function readBase(database: Database): Promise<Base> {
  const rows = await database.query({
    text: `select t, k, v::text, p::text from (${EVERYTHING}) r`,
    params: [],
  });
  return new Map(
    rows.map(([table, key, version, project]) => [
      rowName(table as LedgerTable, key!),
      {
        version: Number(version),
        project: project == null ? null : Number(project),
        isGone: false,
        by: null,
      },
    ]),
  );
}
