import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { parseFilter } from '../../shared/filter/parse.js';
import { compilePredicate } from '../../shared/filter/predicate.js';
import type { RowPredicate } from '../../shared/filter/types.js';
import { tablesOf } from '../../src/filter/paths.js';
import { readModel } from '../../src/model/read.js';
import { GroupIndex, type IndexedGroup } from '../../src/scope/match/group-index.js';
import { MemberKeys } from '../../src/scope/match/member-keys.js';
import type { NetChanges } from '../../src/scope/messages/net-changes.js';
import { answerCalls } from '../harness/calls.js';
import type { Matcher, MatchingApi, Shape } from './matching-api.js';

const tenants = pgTable('tenants', { id: integer().primaryKey() });
const members = pgTable('members', {
  id: integer().primaryKey(),
  tenantId: integer().notNull(),
  userId: integer().notNull(),
});
const items = pgTable('items', {
  id: integer().primaryKey(),
  topic: integer().notNull(),
  owner: text().notNull(),
  title: text().notNull(),
  amount: integer().notNull(),
  tenantId: integer().notNull(),
});
const relations = defineRelations({ tenants, members, items }, (r) => ({
  items: { tenant: r.one.tenants({ from: r.items.tenantId, to: r.tenants.id }) },
  tenants: { members: r.many.members({ from: r.tenants.id, to: r.members.tenantId }) },
}));
const model = readModel(relations);
const table = model.tables.find(({ name }) => name === 'items')!;

/** Cells of an item, as the log gives them. */
interface Item {
  readonly topic: string;
  readonly owner: string;
  readonly title: string;
  readonly amount: string;
  readonly tenantId: string;
}

/** What one shape is: for us a filter, for the limit the value that it is found by and what is left to ask, for the peer a closure. */
interface Kind {
  filter(n: number): object;
  key(n: number): string;
  keyOf(item: Item): string;
  residual(n: number): (item: Item) => boolean;
}

const KINDS: Readonly<Record<Shape, Kind>> = {
  equality: {
    filter: (n) => ({ topic: { eq: n } }),
    key: String,
    keyOf: (item) => item.topic,
    residual: () => () => true,
  },
  'equality and range': {
    filter: (n) => ({ topic: { eq: n }, amount: { gte: n % 10 } }),
    key: String,
    keyOf: (item) => item.topic,
    residual: (n) => (item) => Number(item.amount) >= n % 10,
  },
  'IN and OR': {
    filter: (n) => ({ OR: [{ topic: { in: [n, -1 - n] } }, { owner: { eq: `someone-${n}` } }] }),
    key: String,
    keyOf: (item) => item.topic,
    residual: () => () => true,
  },
  'tenant through a relation': {
    filter: (n) => ({ tenant: { members: { userId: { eq: n } } } }),
    key: String,
    keyOf: (item) => item.tenantId,
    residual: () => () => true,
  },
  ILIKE: {
    filter: (n) => ({ title: { ilike: `%-${n}-%` } }),
    key: String,
    keyOf: (item) => item.topic,
    residual: (n) => (item) => item.title.toLowerCase().includes(`-${n}-`),
  },
};

interface Entry extends IndexedGroup {
  readonly predicate: RowPredicate | null;
}

const MEASURE_MS = 400;
let kind: Kind;
let scopes = 0;
let entries: Entry[] = [];
let index = emptyIndex();
let limit = new Map<string, ((item: Item) => boolean)[]>();
let peer: ((item: Item) => boolean)[] = [];

function emptyIndex(): GroupIndex<Entry> {
  const evaluator = {
    round: () => {
      throw new TypeError('nothing is asked here');
    },
  };
  return new GroupIndex({ model, evaluator, patienceMs: 0 });
}

/** With the one row that it has where it keeps keys. */
function entryOf(n: number): Entry {
  const filter = parseFilter(model, table, kind.filter(n));
  const others = tablesOf(filter);
  const tables = new Set([table.name, ...others]);
  const held = others.size > 0 ? new MemberKeys() : null;
  held?.add(String(n));
  return {
    scope: { matchable: { table, filter, tables, isOwnTableElsewhere: false, isFilterAlone: true }, held },
    predicate: compilePredicate(filter),
  };
}

function add(entry: Entry): void {
  index.add(entry);
  index.settle(entry);
}

function prepare(options: { shape: Shape; scopes: number }): { bytesPerScope: number } {
  kind = KINDS[options.shape];
  scopes = options.scopes;
  entries = [];
  index = emptyIndex();
  const before = held();
  entries = Array.from({ length: scopes }, (_, n) => entryOf(n));
  for (const entry of entries) add(entry);
  const bytesPerScope = (held() - before) / scopes;
  limit = new Map(Array.from({ length: scopes }, (_, n) => [kind.key(n), [kind.residual(n)]]));
  peer = Array.from({ length: scopes }, (_, n) => {
    const key = kind.key(n);
    const residual = kind.residual(n);
    return (item: Item) => kind.keyOf(item) === key && residual(item);
  });
  return { bytesPerScope };
}

function held(): number {
  for (let turn = 0; turn < 3; turn++) globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** The change that concerns scope `n`: nothing but its amount differs. */
function itemOf(n: number): Item {
  return {
    topic: String(n),
    owner: `owner-${n}`,
    title: `a title -${n}- of it`,
    amount: '10',
    tenantId: String(n),
  };
}

function netOf(n: number): NetChanges {
  const { topic, owner, title, tenantId } = itemOf(n);
  const cells = (amount: string) => [String(n), topic, owner, title, amount, tenantId];
  const rows = [{ key: String(n), op: 'UPDATE' as const, old: cells('9'), new: cells('10') }];
  return new Map([['items', { table, truncated: false, rows }]]);
}

const MATCHERS: Readonly<Record<Matcher, (n: number, net: NetChanges, item: Item) => number>> = {
  rivulet: (_n, net) => {
    let found = 0;
    const row = net.get('items')!.rows[0]!;
    for (const { predicate } of index.find(net).groups) {
      // What memory cannot decide is Postgres's to say; here it counts as found.
      if (!predicate || predicate(row.old!) || predicate(row.new!)) found++;
    }
    return found;
  },
  limit: (_n, _net, item) => {
    let found = 0;
    for (const residual of limit.get(kind.keyOf(item)) ?? []) if (residual(item)) found++;
    return found;
  },
  peer: (_n, _net, item) => {
    let found = 0;
    for (const closure of peer) if (closure(item)) found++;
    return found;
  },
};

function match({ matcher }: { matcher: Matcher }): { micros: number; found: number } {
  const find = MATCHERS[matcher];
  const changes = Array.from({ length: 1_000 }, (_, i) => (i * 7_919) % scopes).map((n) => ({
    n,
    net: netOf(n),
    item: itemOf(n),
  }));
  let found = 0;
  let made = 0;
  const began = performance.now();
  let ended = began;
  while (ended - began < MEASURE_MS) {
    // The clock is not asked after each.
    const many = scopes > 5_000 && matcher !== 'limit' ? 1 : 100;
    for (let turn = 0; turn < many; turn++) {
      const change = changes[made % changes.length]!;
      found += find(change.n, change.net, change.item);
      made++;
    }
    ended = performance.now();
  }
  return { micros: ((ended - began) * 1_000) / made, found: found / made };
}

function churn(): { addMicros: number; removeMicros: number } {
  const more = Array.from({ length: 2_000 }, (_, i) => entryOf(scopes + i));
  const began = performance.now();
  for (const entry of more) add(entry);
  const added = performance.now();
  for (const entry of more) index.remove(entry);
  const removed = performance.now();
  const micros = (ms: number) => (ms * 1_000) / more.length;
  return { addMicros: micros(added - began), removeMicros: micros(removed - added) };
}

const api: MatchingApi = { prepare, match, churn };

answerCalls(api, async () => {});
