import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ChangeOp, Link } from '../../shared/protocol/messages.js';
import { coalesce } from '../../src/scope/messages/coalesce.js';
import type { RelatedMessage, ScopeChange, ScopeMessage } from '../../src/scope/messages/types.js';
import { exampleModel as model } from '../support/example.js';
import { propertyOptions } from '../support/property.js';
import { specOf } from '../support/specs.js';

/**
 * The law of slow readers: whoever folds coalesced messages has what it would have after folding them all, however they were cut into
 * runs; no coalesced message contradicts what the reader has; and a row, or a link, is in it once at most.
 */
const spec = specOf('projects', null, {}, { tasks: { with: { comments: {} } } });
const LEVELS = ['projects', 'tasks', 'comments'].map((name) => model.table(name));

/** By level: rows by key, and which row above holds which below. */
interface State {
  readonly rows: ReadonlyMap<string, readonly string[]>[];
  readonly links: ReadonlySet<string>[];
}

const EMPTY: State = { rows: LEVELS.map(() => new Map()), links: LEVELS.map(() => new Set()) };
const rowMap = fc.dictionary(
  fc.constantFrom('1', '2', '3', '4'),
  fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom('x', 'y')),
  { noNullPrototype: true },
);
/** Which rows hold which; a row below is there exactly while something above holds it. */
const linkSet = fc.subarray(['1>1', '1>2', '2>1', '2>3', '3>4', '4>2']);
const moment = fc.tuple(
  rowMap,
  linkSet,
  rowMap,
  linkSet,
  rowMap,
  fc.constantFrom(false, false, false, false, true),
);

function stateOf([top, firstLinks, middle, secondLinks, bottom]: readonly unknown[]): State {
  const rows: Map<string, readonly string[]>[] = [new Map(Object.entries(top as Record<string, string[]>))];
  const links: Set<string>[] = [new Set()];
  for (const [pairs, contents] of [
    [firstLinks, middle],
    [secondLinks, bottom],
  ] as const) {
    const held = (pairs as string[]).filter((pair) => rows.at(-1)!.has(pair.split('>')[0]!));
    const cells = contents as Record<string, string[]>;
    links.push(new Set(held));
    rows.push(new Map(held.map((pair) => pair.split('>')[1]!).map((key) => [key, cells[key] ?? ['a', 'x']])));
  }
  return { rows, links };
}

function changesAt(level: number, before: State, after: State): ScopeChange[] {
  const table = LEVELS[level]!;
  const changes: ScopeChange[] = [];
  const [was, is] = [before.rows[level]!, after.rows[level]!];
  for (const key of new Set([...was.keys(), ...is.keys()])) {
    const [old, now] = [was.get(key), is.get(key)];
    const cells = now && [key, ...now];
    const node = cells ? { table, key, cells, related: new Map() } : null;
    const common = { key, node };
    if (!old) changes.push({ ...common, kind: 'ENTER', op: 'INSERT', previous: null, changedColumns: [] });
    else if (!now) {
      const op: ChangeOp | null = Number(key) % 2 === 0 ? 'DELETE' : null;
      const previous = op ? [key, ...old] : null;
      changes.push({ ...common, kind: 'LEAVE', op, previous, changedColumns: [] });
    } else if (old.join() !== now.join()) {
      const changedColumns = table.columns.filter(
        ({ index }) => index > 0 && old[index - 1] !== now[index - 1],
      );
      changes.push({ ...common, kind: 'UPDATE', op: 'UPDATE', previous: [key, ...old], changedColumns });
    }
  }
  return changes;
}

function relatedAt(level: number, before: State, after: State): Map<string, RelatedMessage> {
  if (level >= LEVELS.length) return new Map();
  const [was, is] = [before.links[level]!, after.links[level]!];
  const link =
    (kind: 'ENTER' | 'LEAVE') =>
    (pair: string): Link => {
      const [parent, child] = pair.split('>');
      return { kind, parent: parent!, child: child! };
    };
  const links = [
    ...[...was].filter((pair) => !is.has(pair)).map(link('LEAVE')),
    ...[...is].filter((pair) => !was.has(pair)).map(link('ENTER')),
  ];
  const changes = changesAt(level, before, after);
  const related = relatedAt(level + 1, before, after);
  if (changes.length + links.length + related.size === 0) return new Map();
  return new Map([[LEVELS[level]!.fields.many, { changes, links, related }]]);
}

function historyOf(moments: readonly (readonly unknown[])[]): ScopeMessage[] {
  let before = EMPTY;
  return moments.map((each, at): ScopeMessage => {
    const after = stateOf(each);
    const isReset = each.at(-1) === true;
    // What comes with a reset comes after the loss: from nothing.
    const from = isReset ? EMPTY : before;
    before = after;
    return {
      cursor: { xmin: BigInt(at), xmax: BigInt(at), xip: new Set() },
      reset: isReset ? 'TRUNCATED' : null,
      transaction: { xid: BigInt(at), loggedAt: '', mutationId: null },
      changes: changesAt(0, from, after),
      related: relatedAt(1, from, after),
    };
  });
}

/** Throws where a message contradicts what is there, or says one thing twice. */
function fold(messages: readonly ScopeMessage[]) {
  const rows = LEVELS.map(() => new Map<string, string>());
  const links = LEVELS.map(() => new Set<string>());
  const apply = (level: number, changes: readonly ScopeChange[], linked: readonly Link[]) => {
    expect(new Set(changes.map(({ key }) => key)).size).toBe(changes.length);
    for (const { kind, key, node, previous, changedColumns } of changes) {
      const had = rows[level]!.get(key);
      if ((had === undefined) !== (kind === 'ENTER')) throw new Error(`${kind} of ${key}`);
      if (previous) expect(JSON.stringify(previous)).toBe(had);
      if (kind === 'UPDATE' && previous)
        expect(changedColumns.map(({ index }) => index)).toEqual(
          LEVELS[level]!.columns.filter(({ index }) => previous[index] !== node!.cells[index]).map(
            ({ index }) => index,
          ),
        );
      if (node) rows[level]!.set(key, JSON.stringify(node.cells));
      else rows[level]!.delete(key);
    }
    for (const { kind, parent, child } of linked) {
      if (links[level]!.has(`${parent}>${child}`) !== (kind === 'LEAVE')) throw new Error(`link ${kind}`);
      if (kind === 'ENTER') links[level]!.add(`${parent}>${child}`);
      else links[level]!.delete(`${parent}>${child}`);
    }
  };
  const below = (level: number, related: ScopeMessage['related']) => {
    for (const message of related.values()) {
      apply(level, message.changes, message.links);
      below(level + 1, message.related);
    }
  };
  for (const message of messages) {
    if (message.reset) for (const each of [...rows, ...links]) each.clear();
    apply(0, message.changes, []);
    below(1, message.related);
  }
  return { rows, links };
}

describe('coalesced messages', () => {
  test('leave a reader with what all of them would have left it with', () => {
    const history = fc.array(moment, { minLength: 1, maxLength: 12 });
    let merged = 0;
    const property = fc.property(history, fc.array(fc.integer({ min: 1, max: 6 })), (moments, runs) => {
      const messages = historyOf(moments);
      const told: ScopeMessage[] = [];
      const rest = [...messages];
      for (let n = 0; rest.length > 0; n++) {
        const run = rest.splice(0, runs[n] ?? rest.length);
        const message = coalesce(spec, run);
        if (run.length > 1) merged++;
        if (message) {
          expect(message.cursor).toBe(run.at(-1)!.cursor);
          expect(message.transaction).toBe(run.at(-1)!.transaction);
          told.push(message);
        }
      }
      expect(told.some(({ reset }) => reset !== null)).toBe(messages.some(({ reset }) => reset !== null));
      expect(fold(told)).toEqual(fold(messages));
    });
    fc.assert(property, propertyOptions(2_000));
    expect(merged).toBeGreaterThan(0);
  });

  test('tell one row that came and went nothing, and of one that left and came back that it changed', () => {
    const [one, two] = [
      ['a', 'x'],
      ['b', 'x'],
    ];
    const at = (rows: Record<string, string[]>) => [rows, [], {}, [], {}, false];
    const came = historyOf([at({ 1: one }), at({})]);
    expect(coalesce(spec, came)).toBeNull();
    const [, left, back] = historyOf([at({ 1: one }), at({}), at({ 1: two })]);
    const hidden = new Set([spec.table.columns[2]!]);
    const message = coalesce({ ...spec, hidden }, [left!, back!])!;
    expect(message.changes).toMatchObject([{ kind: 'UPDATE', op: 'UPDATE', key: '1', previous: null }]);
    // What the row was is not known, so every readable column may have changed.
    expect(message.changes[0]!.changedColumns).toEqual(
      spec.table.columns.filter((column) => !hidden.has(column)),
    );
  });
});
