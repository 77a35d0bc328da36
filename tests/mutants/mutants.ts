import { clientMutants } from './client-mutants.js';
import { pureMutants } from './pure-mutants.js';
import { rightsMutants } from './rights-mutants.js';

/** A plausible bug: code that somebody might write instead of the present code. */
export interface Mutant {
  /** The bug, as a sentence about the code. */
  readonly bug: string;
  /** The edits. Each `from` must occur exactly once in its file. */
  readonly edits: readonly Edit[];
  /** The test file that must fail. */
  readonly test: string;
  /** A regular expression: only tests with a matching name run. */
  readonly only?: string;
}

export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const one = (file: string, from: string, to: string): readonly Edit[] => [{ file, from, to }];

/** Bugs of one area each; every one is caught by the test that it names. */
export const mutants: readonly Mutant[] = [
  ...pureMutants,
  ...rightsMutants,
  ...clientMutants,
  {
    bug: 'The feed continues from the largest `seq` that it has read',
    edits: [
      {
        file: 'src/log/decode.ts',
        from: '  for (const row of rows) {\n',
        to: `  const seen = (globalThis as { seen?: bigint }).seen ?? 0n;
  let largest = seen;
  for (const row of rows) {
    if (row.seq > largest) largest = row.seq;
    if (row.seq <= seen) continue;
    (globalThis as { seen?: bigint }).seen = largest;
`,
      },
    ],
    test: 'tests/faults/f12-long-transaction.test.ts',
  },
  {
    bug: 'Transactions are ordered by their ids',
    edits: one('src/log/decode.ts', 'compare(a.at(-1)!.seq, b.at(-1)!.seq)', 'compare(a[0]!.xid, b[0]!.xid)'),
    test: 'tests/faults/f14-same-rows.test.ts',
  },
  {
    bug: 'Transactions are ordered by their smallest `seq`',
    edits: one('src/log/decode.ts', 'compare(a.at(-1)!.seq, b.at(-1)!.seq)', 'compare(a[0]!.seq, b[0]!.seq)'),
    test: 'tests/faults/f14-same-rows.test.ts',
  },
  {
    bug: 'A cursor counts a whole read as delivered before it is',
    edits: one('src/log/decode.ts', 'i === ordered.length - 1 ?', 'i >= 0 ?'),
    test: 'tests/pg/concurrency.test.ts',
  },
  {
    bug: 'A cursor also includes the next transaction',
    edits: one(
      'src/log/read-positions.ts',
      'const xid = this.#xids[this.#at]!;',
      'const xid = this.#xids[Math.min(this.#at + 1, this.#xids.length - 1)]!;',
    ),
    test: 'tests/pg/concurrency.test.ts',
  },
  {
    bug: 'The feed does not read transactions that were open at the cursor',
    edits: one(
      'src/log/read.ts',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: source text
      "${rows(amongSql('c.xid', position.xip, params))}",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: source text
      "${rows('false')}",
    ),
    test: 'tests/faults/f12-long-transaction.test.ts',
  },
  {
    bug: 'A deletion is delivered to every subscriber, whatever the row was',
    edits: one(
      'src/scope/views/row-scope.ts',
      'this.#plain.describe(this.#readers, row, isIn(row.old), isIn(row.new))',
      "this.#plain.describe(this.#readers, row, row.op === 'DELETE' || isIn(row.old), isIn(row.new))",
    ),
    test: 'tests/property/scope.test.ts',
  },
  {
    bug: 'The read policy is not evaluated on the row before the change',
    edits: one(
      'src/scope/views/row-scope.ts',
      'this.#plain.describe(this.#readers, row, isIn(row.old), isIn(row.new))',
      'this.#plain.describe(this.#readers, row, row.old !== null, isIn(row.new))',
    ),
    test: 'tests/property/scope.test.ts',
  },
  {
    bug: 'LEAVE contains the row that is no longer visible',
    edits: one(
      'src/scope/messages/describe-change.ts',
      'previous: deleted ? change.old : null',
      'previous: change?.new ?? change?.old ?? null',
    ),
    test: 'tests/e2e/second-schema/changes.test.ts',
  },
  {
    bug: 'Subscribers who may see different columns share a group',
    edits: one(
      'src/scope/views/spec-key.ts',
      '    spec.columns && names(spec.columns),\n    names(spec.hidden),',
      '    spec.columns && names(spec.columns),',
    ),
    test: 'tests/e2e/second-schema/exposure.test.ts',
  },
  {
    bug: 'Users with different policies share a text with columns that only one of them may read',
    edits: one(
      'src/scope/messages/shared-changes.ts',
      'const places = [...hidden]',
      'const places = [...new Set<ModelColumn>()]',
    ),
    test: 'tests/unit/scope/plain-changes.test.ts',
  },
  {
    bug: 'A row keeps its membership although a row that determines it has changed',
    edits: one(
      'src/scope/views/set-scope.ts',
      'this.#columns.every(({ index }) => old[index] === after[index])',
      'true',
    ),
    test: 'tests/property/scope.test.ts',
  },
  {
    bug: 'A late node does not catch up with the cursor of a client that comes from another node',
    edits: one('src/scope/lifecycle/group-starter.ts', 'if (cursor) await feed.catchUp();', ''),
    test: 'tests/faults/f26-two-nodes.test.ts',
    only: 'ahead of it',
  },
  {
    bug: 'A replay is delivered under the rights of that time',
    edits: one(
      'src/scope/replay/replay-guard.ts',
      'if (allowed) this.#withheld.delete(row);',
      'if (change) this.#withheld.delete(row);',
    ),
    test: 'tests/security/replay-after-revocation.test.ts',
    only: 'T10',
  },
  {
    bug: 'A replay ignores the state of its rows at its end',
    edits: one('src/scope/replay/replay-rights.ts', 'if (last.get(key)?.node) {', 'if (node) {'),
    test: 'tests/security/replay-after-revocation.test.ts',
    only: 'in reach for a moment',
  },
  {
    bug: 'A replay reveals when a row entered because of other rows that a filter reads',
    edits: one('src/scope/replay/replay-rights.ts', 'missed !== null && this.#isAnySought(top)', 'false'),
    test: 'tests/security/replay-after-revocation.test.ts',
    only: 'learns nothing',
  },
  {
    bug: 'A late node answers a live query before it has caught up',
    edits: one('src/scope/views/live-query.ts', 'await this.#options.catchUp().catch(() => {});', ''),
    test: 'tests/faults/f26-two-nodes.test.ts',
    only: 'a live query',
  },
  {
    bug: 'TRUNCATE does not reset scopes that keep keys',
    edits: one('src/scope/views/set-scope.ts', "reset: isEmptied ? 'TRUNCATED' : null", 'reset: null'),
    test: 'tests/e2e/second-schema/changes.test.ts',
  },
  {
    bug: 'The trigger for TRUNCATE logs nothing',
    edits: one(
      'src/watch/trigger-sql.ts',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: source text
      "${insert('')}, 'T', watcher.moment, watcher.mutation;",
      'null;',
    ),
    test: 'tests/faults/f19-emptied-tables.test.ts',
  },
  {
    bug: 'A table with other partitions counts as unchanged',
    edits: one(
      'src/watch/log-functions.ts',
      'from pg_partition_tree(c.oid) p where p.level > 0),',
      'from pg_partition_tree(c.oid) p where false),',
    ),
    test: 'tests/faults/f19-emptied-tables.test.ts',
  },
  {
    bug: 'An update that changes a key is logged only as an update',
    edits: one(
      'src/watch/trigger-sql.ts',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: source text
      "      full join ${side('n', 'rivulet_new')}",
      // biome-ignore lint/suspicious/noTemplateCurlyInString: source text
      "      join ${side('n', 'rivulet_new')}",
    ),
    test: 'tests/faults/f21-bulk-paths.test.ts',
  },
  {
    bug: 'The triggers do not fire in a session with `session_replication_role = replica`',
    edits: one('src/watch/trigger-sql.ts', 'enable always trigger', 'enable trigger'),
    test: 'tests/faults/f21-bulk-paths.test.ts',
  },
  {
    bug: 'Nothing checks if MERGE showed the trigger other rows than it updated',
    edits: one(
      'src/watch/trigger-sql.ts',
      'if pg_partition_root(tg_relid) is not null then',
      'if pg_partition_root(tg_relid) is null then',
    ),
    test: 'tests/faults/f21-bulk-paths.test.ts',
    only: 'a MERGE into',
  },
  {
    bug: 'After logical replication has ended, nothing records that it existed',
    edits: one(
      'src/watch/log-functions.ts',
      'where r.srrelid = c.oid or r.srrelid in',
      'where false and r.srrelid in',
    ),
    test: 'tests/faults/f21-logical-replication.test.ts',
  },
  {
    bug: 'Changes that arrive while a scope loads are lost',
    edits: one('src/scope/lifecycle/group.ts', '    this.#backlog.push(context);\n', ''),
    test: 'tests/property/resume.test.ts',
  },
  {
    bug: 'Retention ignores what readers still need',
    edits: one(
      'src/log/trim.ts',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: source text
      'make_interval(secs => ${CLAIM_LASTS_SECONDS})',
      'make_interval(secs => 0)',
    ),
    test: 'tests/faults/f23-retention-overrun.test.ts',
  },
  {
    bug: 'Nothing checks if the log was trimmed before it was read',
    edits: one('src/log/read.ts', "isTrimmed: xid === 'true'", 'isTrimmed: false'),
    test: 'tests/faults/f23-retention-overrun.test.ts',
  },
  {
    bug: 'A cursor is decrypted but not verified',
    edits: one('src/feed/cursor.ts', '  decipher.final();\n', ''),
    test: 'tests/unit/feed/cursor.test.ts',
  },
  {
    bug: 'A cursor is as long as the list of transactions in progress',
    edits: one('src/feed/cursor-text.ts', 'Buffer.alloc(size)', 'Buffer.alloc(bytes.length)'),
    test: 'tests/unit/feed/cursor.test.ts',
    only: 'T9: has one length',
  },
  {
    bug: "A transaction's name is its number",
    edits: one('src/feed/cursor.ts', 'return named.name;', 'return String(xid);'),
    test: 'tests/unit/feed/cursor.test.ts',
    only: 'T9: is the same on every node',
  },
  {
    bug: 'A cursor of another log is accepted as one of this log',
    edits: [
      { file: 'src/feed/log-pages.ts', from: 'outline.epoch !== epoch || ', to: '' },
      { file: 'src/feed/log-history.ts', from: 'found.epoch !== epoch || ', to: '' },
    ],
    test: 'tests/protocol/cursors.test.ts',
  },
  {
    bug: 'A cursor also includes transactions that left nothing on disk',
    edits: one('src/server/server.ts', '{ isOfLog: true }', '{}'),
    test: 'tests/faults/f27-history-rewritten.test.ts',
  },
  {
    bug: 'Nothing checks if the log still contains what a cursor includes',
    edits: one(
      'src/log/continuity.ts',
      "if (!anchor) return 'false';",
      "if (anchor ?? true) return 'false';",
    ),
    test: 'tests/faults/f27-history-rewritten.test.ts',
  },
  {
    bug: 'A promoted standby continues the log unchanged',
    edits: one('src/log/renew.ts', "if (row?.[0] !== 'true') return;", 'if (row) return;'),
    test: 'tests/faults/f27-history-rewritten.test.ts',
  },
  {
    bug: 'A large transaction is delivered without its last part',
    edits: one(
      'src/feed/log-pages.ts',
      'for (let left = count; left > 0; left -= rows)',
      'for (let left = count; left > rows; left -= rows)',
    ),
    test: 'tests/pg/feed-backlog.test.ts',
  },
  {
    bug: 'A full outbox drops its messages without a reset',
    edits: one(
      'src/scope/lifecycle/subscriber.ts',
      "return resetMessage('OVERFLOW', latest.cursor);",
      'return latest;',
    ),
    test: 'tests/pg/scope-limits.test.ts',
  },
  {
    bug: 'The changes that a subscription missed while it was opened are not delivered',
    edits: one(
      'src/scope/lifecycle/group-starter.ts',
      'for (const step of steps) {',
      'for (const step of steps.slice(0, 0)) {',
    ),
    test: 'tests/faults/f24-duplicates.test.ts',
    only: 'the server',
  },
  {
    bug: "A feed that has the writers' notification lock sleeps without another read",
    edits: one(
      'src/feed/wakefulness.ts',
      "if (state.kind === 'reaching') return stay({ kind: 'settling' }, 'read');",
      "if (state.kind === 'reaching') return stay({ kind: 'asleep', surplus: 0, at: now });",
    ),
    test: 'tests/pg/doorbell.test.ts',
  },
  {
    bug: 'A feed falls asleep after a read that began before it had the lock',
    edits: one(
      'src/feed/wakefulness.ts',
      "return event.state === state ? stay({ kind: 'asleep', surplus: 0, at: now }) : stay(state);",
      "return stay({ kind: 'asleep', surplus: 0, at: now });",
    ),
    test: 'tests/unit/feed/wakefulness.test.ts',
  },
  {
    bug: 'A feed that falls asleep releases the lock that makes writers notify',
    edits: one(
      'src/feed/doorbell.ts',
      'return isTaken && lock === this.#lock;',
      'await lock.drop();\n    return isTaken && lock === this.#lock;',
    ),
    test: 'tests/pg/doorbell.test.ts',
  },
  {
    bug: 'Missed changes are sent faster than the client reads them',
    edits: one(
      'src/scope/lifecycle/group-starter.ts',
      'if (!told) continue;\n      await roomBeforeBacklog(group);\n',
      'if (!told) continue;\n',
    ),
    test: 'tests/faults/f16-big-values.test.ts',
    only: 'resumes',
  },
  {
    bug: 'All scopes wait for a locked table',
    edits: one(
      'src/scope/lifecycle/scopes.ts',
      'const { patienceMs = PATIENCE_MS,',
      'const { patienceMs = PATIENCE_MS * 1_000,',
    ),
    test: 'tests/faults/f32-locks-and-limits.test.ts',
    only: 'nobody else',
  },
  {
    bug: 'Rows that lost a related row are matched only with subscribers who may see them now',
    edits: one(
      'src/scope/match/query-relations.ts',
      '  for (const { key } of looked) reached.addHolders(key, found);\n',
      '',
    ),
    test: 'tests/property/scope.test.ts',
  },
  {
    bug: 'A change in another table counts only for columns in the filter, not for columns that link rows',
    edits: one('src/scope/match/column-dependencies.ts', '        this.#add(source, from);\n', ''),
    test: 'tests/property/scope.test.ts',
  },
  {
    bug: 'A scope that is behind is matched by its present keys',
    edits: one(
      'src/scope/lifecycle/scopes.ts',
      'const onBehind = (group: SubscriberGroup) => this.#groupIndex.lag(group);',
      'const onBehind = () => {};',
    ),
    test: 'tests/property/graph.test.ts',
  },
  {
    bug: 'Scopes that wait for a value are found only on the first join path to it',
    edits: one(
      'src/scope/match/query-relations.ts',
      'of reached.way.places.entries()',
      'of reached.way.places.slice(0, 1).entries()',
    ),
    test: 'tests/property/scope.test.ts',
  },
  {
    bug: 'A related row is evaluated only if it was in the scope before',
    edits: one(
      'src/scope/views/related-scope.ts',
      'if (!relation.through) return this.#held.mayHold(row.new);',
      'if (!relation.through) return false;',
    ),
    test: 'tests/property/graph.test.ts',
  },
  {
    bug: 'A new row is ignored if a junction links it',
    edits: one(
      'src/scope/views/related-scope.ts',
      'if (old === null || relation.to.some(',
      'if (old !== null && relation.to.some(',
    ),
    test: 'tests/property/end-to-end.test.ts',
  },
  {
    bug: 'The trigger notifies although the notification queue is full',
    edits: one('src/watch/trigger-sql.ts', ' and pg_notification_queue_usage() < 0.75', ''),
    test: 'tests/faults/f17-notify-queue-full.test.ts',
  },
  {
    bug: "The writer's session settings affect how values are logged",
    edits: one('src/watch/trigger-sql.ts', "  DateStyle: 'ISO, MDY',\n", ''),
    test: 'tests/pg/capture-session.test.ts',
  },
  {
    bug: 'Client: a row that enters is added to a list that already contains it',
    edits: one(
      'client/core/settle-lists.ts',
      '[...plan.enter].filter((key) => !held.has(key) && ',
      '[...plan.enter].filter((key) => ',
    ),
    test: 'tests/property/reducer.test.ts',
  },
  {
    bug: 'Client: a reset counts as a message without changes',
    edits: [
      {
        file: 'client/core/live/session.ts',
        from: "if (typeof message.reset === 'string' || root.kind === 'asked') {",
        to: "if (root.kind === 'asked') {",
      },
      {
        file: 'client/core/reduce.ts',
        from: "if (reset !== null) needs.add({ kind: 'reset', reason: reset });",
        to: 'void reset;',
      },
    ],
    test: 'tests/unit/live/session.test.ts',
  },
  {
    bug: 'Client: a window that lost a row is not refilled',
    edits: one('client/core/settle-lists.ts', 'const openEnd = wasFull && ', 'const openEnd = false && '),
    test: 'tests/conformance/client-urql.test.ts',
    only: 'windows',
  },
  {
    bug: 'Client: a stream that was cut resumes at the answer instead of its last message',
    edits: one(
      'client/core/live/session.ts',
      "if (typeof message.cursor === 'string') this.#cursors.set(root, message.cursor);",
      '',
    ),
    test: 'tests/unit/live/session.test.ts',
  },
];
