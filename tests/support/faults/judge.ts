import type { Commit } from './commits.js';
import type { History, RowState, Sees, Step } from './history.js';
import { isLive, type Message, type Plan, rowName, type State, type ToldRow, tablesOf } from './plans.js';
import type { Note } from './subscriber.js';

export type Wrong = 'lost' | 'doubled' | 'out of order' | 'phantom' | 'reset';

export interface Finding {
  readonly wrong: Wrong;
  readonly text: string;
}

export interface JudgeOptions {
  readonly plan: Plan;
  readonly history: History;
  /** What the subscriber had at the last quiet point; `null`: it began since. */
  readonly before: State | null;
  readonly notes: readonly Note[];
  /** A SELECT of the same rows by the same user, at the end. */
  readonly fresh: State;
  /** Reasons for which a subscriber may have been told to fetch again. */
  readonly allowedResets: ReadonlySet<string>;
  /** It read slowly: several messages may have come as one, which says what they did all in all. */
  readonly mayMerge?: boolean;
}

export interface Judged {
  readonly findings: readonly Finding[];
  /** What the subscriber has now. */
  readonly state: State;
}

/**
 * Compares what a subscriber was told with what the ledger says happened. The ledger does not know in which order transactions became
 * visible, only which were over when others began; what it cannot know is allowed.
 */
export function judge(options: JudgeOptions): Judged {
  const judgement = new Judgement(options);
  judgement.run();
  return { findings: judgement.findings, state: { rows: judgement.rows, links: judgement.links } };
}

class Judgement {
  readonly findings: Finding[] = [];
  rows: Map<string, number>;
  links: Set<string>;
  readonly #options: JudgeOptions;
  readonly #seen = new Map<string, Message>();
  /** The newest version of each row that it ever knew of. */
  readonly #newest: Map<string, number>;
  /** Transactions that began after it must have been told. */
  #coveredFrom: number;

  constructor(options: JudgeOptions) {
    this.#options = options;
    const { before } = options;
    this.rows = new Map(before?.rows);
    this.links = new Set(before?.links);
    this.#newest = new Map(before?.rows);
    this.#coveredFrom = before ? -Infinity : Infinity;
  }

  run(): void {
    const { notes, plan } = this.#options;
    for (const note of notes) {
      if (note.kind === 'told') this.#onMessage(note.message);
      else if (note.kind === 'answered') this.#onAnswer(note.state);
      else this.#onFetched(note);
    }
    if (!isLive(plan) && !this.#options.mayMerge) this.#checkWhole();
    this.#checkState();
  }

  #find(wrong: Wrong, text: string): void {
    this.findings.push({ wrong, text });
  }

  #onFetched({ at, state, why }: Extract<Note, { kind: 'fetched' }>): void {
    if (why !== null && !this.#options.allowedResets.has(why)) this.#find('reset', `told ${why}`);
    this.#adopt(state);
    this.#coveredFrom = at;
  }

  #onAnswer(state: State): void {
    this.#adopt(state);
  }

  #adopt(state: State): void {
    for (const [row, version] of state.rows) {
      const known = this.#newest.get(row) ?? -1;
      if (version < known) this.#find('out of order', `${row} was ${known} and is ${version} in an answer`);
      this.#newest.set(row, version);
    }
    this.rows = new Map(state.rows);
    this.links = new Set(state.links);
  }

  #onMessage(message: Message): void {
    const { history } = this.#options;
    const { xid } = message;
    if (xid !== null) {
      if (this.#seen.has(xid)) this.#find('doubled', `transaction ${xid} came twice`);
      this.#seen.set(xid, message);
      if (!history.commit(xid)) this.#find('phantom', `transaction ${xid} is not in the ledger`);
    }
    // It fetches next; what came with the reset is replaced by that.
    if (message.reset !== null) return;
    const rows = new Set<string>();
    for (const told of message.rows) {
      const row = rowName(told.table, told.key);
      if (rows.has(row)) this.#find('doubled', `${row} is twice in ${xid}`);
      rows.add(row);
      this.#onRow(row, told, xid!);
    }
    for (const { kind, link } of message.links) {
      if (this.links.has(link) === (kind === 'ENTER'))
        this.#find(kind === 'ENTER' ? 'doubled' : 'lost', `${kind} of link ${link} in ${xid}`);
      if (kind === 'ENTER') this.links.add(link);
      else this.links.delete(link);
    }
  }

  #onRow(row: string, told: ToldRow, xid: string): void {
    const { kind, version } = told;
    const finding = this.#options.mayMerge ? this.#judgeMerged(row, told) : this.#judgeRow(row, told, xid);
    if (finding)
      this.findings.push({ ...finding, text: `${kind} ${row} ${version ?? ''} in ${xid}: ${finding.text}` });
    if (kind === 'LEAVE') {
      this.rows.delete(row);
      return;
    }
    this.rows.set(row, version!);
    this.#newest.set(row, Math.max(this.#newest.get(row) ?? -1, version!));
  }

  /** Only what holds of every net effect. */
  #judgeMerged(row: string, { kind, version }: ToldRow): Finding | null {
    const had = this.rows.get(row);
    if ((had === undefined) !== (kind === 'ENTER')) return wrong('lost', `it has ${had}`);
    if (version === null) return null;
    const newest = this.#newest.get(row) ?? -1;
    if (version < newest) return wrong('out of order', `after ${newest}`);
    if (version === had) return wrong('doubled', 'it has that');
    return this.#options.history.state(row, version)
      ? null
      : wrong('phantom', 'the ledger knows nothing of it');
  }

  #judgeRow(row: string, { kind, version, op }: ToldRow, xid: string): Finding | null {
    const had = this.rows.get(row);
    if (kind === 'LEAVE') {
      return had === undefined ? wrong('doubled', 'it has no such row') : this.#judgeLeave(row, had, xid, op);
    }
    const newest = this.#newest.get(row) ?? -1;
    if (version! < newest) return wrong('out of order', `after ${newest}`);
    const state = this.#options.history.state(row, version!);
    if (!state) return wrong('phantom', 'the ledger knows nothing of it');
    return kind === 'UPDATE'
      ? this.#judgeUpdate(row, had, state, xid)
      : this.#judgeEnter(row, had, state, xid);
  }

  #judgeUpdate(row: string, had: number | undefined, state: RowState, xid: string): Finding | null {
    if (had === undefined) return wrong('lost', 'it has no such row');
    if (had === state.version) return wrong('doubled', 'it has that');
    const next = this.#options.history.next(row, had);
    if (next !== state) return wrong('lost', `after ${had} came ${next?.version}`);
    return state.by?.xid === xid ? null : wrong('phantom', `that was made by ${state.by?.xid}`);
  }

  #judgeEnter(row: string, had: number | undefined, state: RowState, xid: string): Finding | null {
    const { history, plan } = this.#options;
    if (had !== undefined) return wrong('doubled', `it has ${had}`);
    if (state.by?.xid === xid) return null;
    const commit = history.commit(xid);
    if (!commit || !history.changesRights(xid, plan.userId)) return wrong('phantom', 'nothing made it enter');
    // Rights came: the row as it was then.
    const next = history.next(row, state.version);
    return next?.by && next.by.ackedAt < commit.begunAt
      ? wrong('lost', `it was ${next.version} by then`)
      : null;
  }

  #judgeLeave(row: string, had: number, xid: string, op: string | null): Finding | null {
    const { history, plan } = this.#options;
    const next = history.next(row, had);
    if (next?.by?.xid === xid) {
      return (op === 'DELETE') === next.isGone ? null : wrong('phantom', `it says ${op}`);
    }
    const commit = history.commit(xid);
    if (!commit || !history.changesRights(xid, plan.userId)) {
      return wrong(next ? 'lost' : 'phantom', `after ${had} came ${next?.version} by ${next?.by?.xid}`);
    }
    // Rights went: what came before it was told before it.
    return next?.by && next.by.ackedAt < commit.begunAt
      ? wrong('lost', `${next.version} was not told`)
      : null;
  }

  /** Each transaction that surely concerned the subscriber came, with all of its rows; none that surely did not. */
  #checkWhole(): void {
    const { history, plan } = this.#options;
    const tables = tablesOf(plan);
    for (const commit of history.commits) {
      const message = this.#seen.get(commit.xid);
      if (message?.reset) continue;
      const told = new Set(message?.rows.map(({ table, key }) => rowName(table, key)));
      const isCovered = commit.begunAt > this.#coveredFrom && commit.ackedAt < Infinity;
      for (const step of history.steps(commit.xid)) {
        if (!tables.includes(step.table)) continue;
        const must = this.#concerns(step, commit);
        if (must === 'no' && told.has(step.row))
          this.#find('phantom', `${step.row} in ${commit.xid}, which is none of its business`);
        if (must === 'yes' && !told.has(step.row) && (isCovered || message))
          this.#find(
            'lost',
            `${step.row} ${step.after.version} in ${commit.xid}${message ? ', of which the rest came' : ''}`,
          );
      }
    }
  }

  #concerns({ before, after }: Step, commit: Commit): Sees {
    const sides = [this.#shows(before, commit), this.#shows(after, commit)];
    return sides.includes('yes') ? 'yes' : sides.includes('maybe') ? 'maybe' : 'no';
  }

  #shows(state: RowState | null, commit: Commit): Sees {
    const { history, plan } = this.#options;
    if (state === null || state.isGone) return 'no';
    if (state.project === null) return 'yes';
    if (plan.project !== null && plan.project !== state.project) return 'no';
    return history.isMember(plan.userId, state.project, commit);
  }

  #checkState(): void {
    const { fresh } = this.#options;
    for (const [row, version] of fresh.rows) {
      if (this.rows.get(row) !== version)
        this.#find('lost', `${row} is ${version}, and it has ${this.rows.get(row)}`);
    }
    for (const row of this.rows.keys())
      if (!fresh.rows.has(row)) this.#find('lost', `${row} is not there, and it has it`);
    for (const link of fresh.links) if (!this.links.has(link)) this.#find('lost', `link ${link}`);
    for (const link of this.links) if (!fresh.links.has(link)) this.#find('lost', `the end of link ${link}`);
  }
}

function wrong(what: Wrong, text: string): Finding {
  return { wrong: what, text };
}
