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
  /** It read slowly: then a message may stand for several transactions, whatever is followed. */
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
 *
 * Of rows that decide by themselves who sees them, each transaction is one message. Where other tables decide, one message may stand for
 * several transactions that followed each other; then it must be what they did together, and come before anything that began after them.
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
  readonly #isExact: boolean;
  readonly #seen = new Map<string, Message>();
  /** The newest version of each row that it ever knew of. */
  readonly #newest: Map<string, number>;
  /** Transactions that began after it must have been told. */
  #coveredFrom: number;
  /** So many of the transactions, in the order of their acknowledgement, are known to have been told. */
  #settled = 0;

  constructor(options: JudgeOptions) {
    this.#options = options;
    const { before, plan, mayMerge } = options;
    this.#isExact = plan.kind === 'users' && !mayMerge;
    this.rows = new Map(before?.rows);
    this.links = new Set(before?.links);
    this.#newest = new Map(before?.rows);
    this.#coveredFrom = before ? -Infinity : Infinity;
  }

  run(): void {
    const { notes, plan } = this.#options;
    for (const note of notes) {
      if (note.kind === 'told') this.#onMessage(note.message);
      else if (note.kind === 'answered') this.#adopt(note.state);
      else this.#onFetched(note);
    }
    if (!isLive(plan) && this.#isExact) this.#checkWhole();
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
    const { xid } = message;
    const commit = xid === null ? undefined : this.#options.history.commit(xid);
    if (xid !== null) {
      if (this.#seen.has(xid)) this.#find('doubled', `transaction ${xid} came twice`);
      this.#seen.set(xid, message);
      if (!commit) this.#find('phantom', `transaction ${xid} is not in the ledger`);
    }
    // It fetches next; what came with the reset is replaced by that.
    if (message.reset !== null) return;
    const rows = new Set<string>();
    for (const told of message.rows) {
      const row = rowName(told.table, told.key);
      if (rows.has(row)) this.#find('doubled', `${row} is twice in ${xid}`);
      rows.add(row);
      this.#onRow(row, told, xid!, commit);
    }
    for (const { kind, link } of message.links) {
      if (this.links.has(link) === (kind === 'ENTER'))
        this.#find(kind === 'ENTER' ? 'doubled' : 'lost', `${kind} of link ${link} in ${xid}`);
      if (kind === 'ENTER') this.links.add(link);
      else this.links.delete(link);
    }
    if (commit) this.#checkSettled(commit);
  }

  #onRow(row: string, told: ToldRow, xid: string, commit: Commit | undefined): void {
    const { kind, version } = told;
    const finding = this.#isExact ? this.#judgeExact(row, told, xid) : this.#judgeMerged(row, told, commit);
    if (finding)
      this.findings.push({ ...finding, text: `${kind} ${row} ${version ?? ''} in ${xid}: ${finding.text}` });
    if (kind === 'LEAVE') {
      this.rows.delete(row);
      return;
    }
    this.rows.set(row, version!);
    this.#newest.set(row, Math.max(this.#newest.get(row) ?? -1, version!));
  }

  #judgeExact(row: string, { kind, version, op }: ToldRow, xid: string): Finding | null {
    const { history } = this.#options;
    const had = this.rows.get(row);
    const next = history.next(row, had ?? -1);
    if (kind === 'LEAVE') {
      if (had === undefined) return wrong('doubled', 'it has no such row');
      if (next?.by?.xid !== xid) return wrong('lost', `after ${had} came ${next?.version}`);
      return (op === 'DELETE') === next.isGone ? null : wrong('phantom', `it says ${op}`);
    }
    if (version! < (this.#newest.get(row) ?? -1))
      return wrong('out of order', `after ${this.#newest.get(row)}`);
    const state = history.state(row, version!);
    if (!state) return wrong('phantom', 'the ledger knows nothing of it');
    if (had === state.version) return wrong('doubled', 'it has that');
    if ((kind === 'UPDATE') !== (had !== undefined)) return wrong('lost', `it has ${had}`);
    if (had !== undefined && next !== state) return wrong('lost', `after ${had} came ${next?.version}`);
    return state.by?.xid === xid ? null : wrong('phantom', `that was made by ${state.by?.xid}`);
  }

  /** What holds of every net effect. What is missing in between, `#checkSettled` finds. */
  #judgeMerged(row: string, { kind, version }: ToldRow, commit: Commit | undefined): Finding | null {
    const had = this.rows.get(row);
    if ((had === undefined) !== (kind === 'ENTER'))
      return wrong(kind === 'ENTER' ? 'doubled' : 'lost', `it has ${had}`);
    if (version === null) return null;
    const newest = this.#newest.get(row) ?? -1;
    if (version < newest) return wrong('out of order', `after ${newest}`);
    if (version === had) return wrong('doubled', 'it has that');
    const state = this.#options.history.state(row, version);
    if (!state) return wrong('phantom', 'the ledger knows nothing of it');
    if (commit && state.by && state.by.begunAt > commit.ackedAt)
      return wrong('phantom', `that was made later, by ${state.by.xid}`);
    return commit && this.#shows(state, commit) === 'no'
      ? wrong('phantom', 'it is none of its business')
      : null;
  }

  /** A message has come: it is there with all of its rows, and so is everything that was over when its transaction began. */
  #checkSettled(commit: Commit): void {
    this.#checkThere(commit, `of which the rest came`);
    const { byAcknowledgement } = this.#options.history;
    for (; this.#settled < byAcknowledgement.length; this.#settled++) {
      const earlier = byAcknowledgement[this.#settled]!;
      if (earlier.ackedAt >= commit.begunAt) return;
      this.#checkThere(earlier, `although ${commit.xid} came, which began after it`);
    }
  }

  /** What a transaction did is there, or what followed it. */
  #checkThere(commit: Commit, why: string): void {
    const { history, plan } = this.#options;
    const tables = tablesOf(plan);
    for (const { row, table, before, after } of history.steps(commit.xid)) {
      if (!tables.includes(table)) continue;
      const had = this.rows.get(row);
      const isShown = this.#shows(after, commit);
      if (isShown === 'yes') {
        if (had === undefined ? !this.#mayHaveLeft(row, after, commit) : had < after.version)
          this.#find('lost', `${row} ${after.version} of ${commit.xid} is not there (${had}), ${why}`);
      } else if (isShown === 'no' && this.#shows(before, commit) === 'yes') {
        if (had !== undefined && had < after.version)
          this.#find('lost', `the end of ${row} by ${commit.xid} was not told, ${why}`);
      }
    }
  }

  /** After a state, something happened by which the subscriber does not see the row any more. */
  #mayHaveLeft(row: string, state: RowState, commit: Commit): boolean {
    const { history, plan } = this.#options;
    if (state.project !== null && history.changedMembership(plan.userId, state.project, commit)) return true;
    for (let next = history.next(row, state.version); next; next = history.next(row, next.version)) {
      if (next.isGone || next.project !== state.project) return true;
    }
    return false;
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
          this.#find('lost', `${step.row} ${step.after.version} in ${commit.xid}`);
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
