import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { describe, expect, test } from 'vitest';
import { readModel } from '../../../src/model/read.js';
import { defaultWatchers } from '../../../src/watch/default-watchers.js';
import { functionName, MAX_NAME_BYTES, shapeId } from '../../../src/watch/names.js';
import { planWatchers } from '../../../src/watch/plan.js';
import { watchers } from '../../../src/watch/watchers.js';

const people = pgTable('people', { id: integer().primaryKey(), fullName: text('full_name') });
const posts = pgTable('posts', { id: integer().primaryKey(), personId: integer('person_id'), title: text() });
const tags = pgTable('tags', { id: integer().primaryKey(), name: text() });
const postTags = pgTable('post_tags', { postId: integer('post_id'), tagId: integer('tag_id') }, (t) => [
  primaryKey({ columns: [t.postId, t.tagId] }),
]);
const alone = pgTable('alone', { id: integer().primaryKey() });
const strange = pgTable('strange', { id: integer().primaryKey() });
const relations = defineRelations({ people, posts, tags, postTags, alone }, (r) => ({
  people: { posts: r.many.posts({ from: r.people.id, to: r.posts.personId }) },
  posts: {
    person: r.one.people({ from: r.posts.personId, to: r.people.id }),
    tags: r.many.tags({
      from: r.posts.id.through(r.postTags.postId),
      to: r.tags.id.through(r.postTags.tagId),
    }),
  },
}));
const model = readModel(relations);
const planned = (specs: Parameters<typeof planWatchers>[1]) =>
  planWatchers(model, specs).tables.map((t) => t.sqlName);

describe('watchers', () => {
  test('is plain data: one spec for a table', () => {
    expect([...watchers(people)]).toEqual([{ table: people }]);
    expect(JSON.parse(JSON.stringify(watchers('people', { label: 'x', columns: ['fullName'] })))).toEqual([
      { table: 'people', label: 'x', columns: ['fullName'] },
    ]);
  });

  test('adds to a list, as an argument or chained, and changes no list in place', () => {
    const one = watchers(people);
    const two = watchers(one, posts, { with: { tags: true } });
    expect([...two]).toEqual([{ table: people }, { table: posts, with: { tags: true } }]);
    expect([...one.and(posts, { with: { tags: true } })]).toEqual([...two]);
    expect(one).toHaveLength(1);
  });

  test('the same table twice is one spec with the relations and columns of both', () => {
    const merged = watchers(people, { with: { posts: true }, extraColumns: ['id'] })
      .and(people, { with: { posts: { tags: true } }, extraColumns: ['fullName'] })
      .and(people, { with: { posts: { person: true } } });
    expect([...merged]).toEqual([
      { table: people, with: { posts: { tags: true, person: true } }, extraColumns: ['id', 'fullName'] },
    ]);
  });

  test('another label is another spec', () => {
    expect(watchers(people).and(people, { label: 'renamed', columns: ['fullName'] })).toHaveLength(2);
  });
});

describe('planWatchers', () => {
  test('logs every column of the model, by SQL name, with the key', () => {
    const shape = {
      sqlSchema: 'public',
      sqlName: 'people',
      columns: ['id', 'full_name'],
      types: ['integer', 'text'],
      key: ['id'],
      onlyColumns: null,
    };
    expect(planWatchers(model, watchers(people)).tables).toEqual([{ ...shape, shape: shapeId(shape) }]);
  });

  test('follows relations to any depth, junction tables included', () => {
    expect(planned(watchers(people, { with: { posts: true } }))).toEqual(['people', 'posts']);
    expect(planned(watchers(people, { with: { posts: { tags: true } } }))).toEqual([
      'people',
      'post_tags',
      'posts',
      'tags',
    ]);
  });

  test('does not depend on the order of the declarations', () => {
    const there = planWatchers(model, watchers(tags).and(people));
    const back = planWatchers(model, watchers(people).and(tags));
    expect(there).toEqual(back);
  });

  test('columns restrict updates only while nobody wants them all', () => {
    const labelled = watchers(posts, { label: 'retitled', columns: ['title'] });
    expect(planWatchers(model, labelled)).toMatchObject({
      tables: [{ sqlName: 'posts', onlyColumns: ['title'] }],
      labels: [{ label: 'retitled', sqlName: 'posts', columns: ['title'] }],
    });
    expect(planWatchers(model, labelled.and(posts)).tables[0]!.onlyColumns).toBeNull();
    expect(
      planWatchers(model, labelled.and(people, { with: { posts: true } })).tables[1]!.onlyColumns,
    ).toBeNull();
    const second = labelled.and(posts, { label: 'moved', columns: ['personId'] });
    expect(planWatchers(model, second).tables[0]!.onlyColumns).toEqual(['person_id', 'title']);
  });

  test('columns restrict nothing of a table that others depend on, however it is named', () => {
    const isFull = () => true;
    const labelled = watchers(posts, { label: 'retitled', columns: ['title'] });
    const plain = { sqlName: 'posts', columns: ['title'], key: ['title'] };
    const described = watchers(plain, { label: 'retitled', columns: ['title'] });
    for (const list of [labelled, described]) {
      expect(planWatchers(model, list, { isFull })).toMatchObject({
        tables: [{ sqlName: 'posts', key: ['id'], onlyColumns: null }],
        labels: [{ label: 'retitled', columns: ['title'], logged: null }],
      });
    }
    expect(planWatchers(model, labelled).labels[0]!.logged).toEqual(['title']);
  });

  test('an empty list of columns is all of them, also beside another list', () => {
    for (const list of [
      watchers(posts, { label: 'l', columns: [] }),
      watchers(posts, { label: 'l', columns: [] }).and(posts, { label: 'l', columns: ['title'] }),
      watchers(posts, { label: 'l', columns: ['title'] }).and(posts, { label: 'l', columns: [] }),
    ]) {
      expect(planWatchers(model, list)).toMatchObject({
        tables: [{ onlyColumns: null }],
        labels: [{ columns: null, logged: null }],
      });
    }
    expect(planned(watchers(posts, { columns: [] }))).toEqual(['posts']);
  });

  test('the defaults stand for what is watched without a declaration, and can be added to', () => {
    const defaults = defaultWatchers(model, (table) => table.name === 'people');
    const list = watchers
      .defaults()
      .and(posts, { label: 'retitled', columns: ['title'] })
      .and(alone);
    const plan = planWatchers(model, list, { defaults });
    expect(plan.tables.map(({ sqlName }) => sqlName)).toEqual([
      'alone',
      'people',
      'post_tags',
      'posts',
      'tags',
    ]);
    expect(plan.tables.every(({ onlyColumns }) => onlyColumns === null)).toBe(true);
    expect(plan.labels).toMatchObject([{ label: 'retitled', columns: ['title'], logged: null }]);
  });

  test('a table without a Drizzle schema is described by SQL names', () => {
    const plain = { sqlSchema: 'legacy', sqlName: 'invoices', columns: ['total'], key: ['no', 'year'] };
    expect(planWatchers(model, watchers(plain, { extraColumns: ['note'] })).tables).toMatchObject([
      {
        sqlSchema: 'legacy',
        sqlName: 'invoices',
        columns: ['no', 'year', 'total', 'note'],
        key: ['no', 'year'],
      },
    ]);
  });

  test.each([
    ['an unknown table', watchers('persons'), 'WATCH_UNKNOWN_TABLE', 'people, posts, tags, postTags, alone'],
    ['a table outside the relations', watchers(strange), 'WATCH_UNKNOWN_TABLE', 'people, posts'],
    [
      'an unknown column',
      watchers(people, { label: 'l', columns: ['full_name'] }),
      'WATCH_UNKNOWN_COLUMN',
      'id, fullName',
    ],
    ['an unknown extra column', watchers(people, { extraColumns: ['age'] }), 'WATCH_UNKNOWN_COLUMN', 'age'],
    ['an unknown relation', watchers(people, { with: { post: true } }), 'WATCH_UNKNOWN_RELATION', 'posts'],
    [
      'an unknown relation below',
      watchers(people, { with: { posts: { tag: true } } }),
      'WATCH_UNKNOWN_RELATION',
      'person, tags',
    ],
    [
      'a relation of a table without any',
      watchers(alone, { with: { x: true } }),
      'WATCH_UNKNOWN_RELATION',
      'none',
    ],
    ['columns without a label', watchers(people, { columns: ['fullName'] }), 'WATCH_INVALID', 'label'],
    ['a label twice', watchers(people, { label: 'l' }).and(posts, { label: 'l' }), 'WATCH_INVALID', 'l'],
    [
      'a plain table without a key',
      watchers({ sqlName: 't', columns: ['a'], key: [] }),
      'WATCH_INVALID',
      'key',
    ],
  ])('%s is refused by name', (_, specs, code, text) => {
    expect(() => planWatchers(model, specs)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(text) }),
    );
  });
});

describe('malformed declarations', () => {
  const plain = (rest: object) => ({ sqlName: 'invoices', columns: ['total'], key: ['no'], ...rest });

  test.each<[string, unknown, string]>([
    ['no list', posts, 'must be a list'],
    ['a watcher that is none', [null], 'watchers[0]: must be a watcher'],
    ['no table', watchers(undefined as never), 'watchers[0].table'],
    ['a number for a table', watchers(5 as never), 'watchers[0].table'],
    ['an empty name', watchers(''), 'watchers[0].table'],
    ['null for options', watchers(posts, null as never), 'watchers[0]'],
    ['a text for options', watchers(posts, 'title' as never), 'watchers[0]'],
    ['an option that does not exist', watchers(posts, { colums: ['title'] } as never), 'watchers[0].colums'],
    ['a text for columns', watchers(posts, { label: 'l', columns: 'title' } as never), 'watchers[0].columns'],
    [
      'a column that is no text',
      watchers(posts, { label: 'l', columns: [5] } as never),
      'watchers[0].columns[0]',
    ],
    [
      'a text for extraColumns',
      watchers(posts, { extraColumns: 'title' } as never),
      'watchers[0].extraColumns',
    ],
    ['an empty label', watchers(posts, { label: '' }), 'watchers[0].label'],
    ['a blank label', watchers(posts, { label: '  ' }), 'watchers[0].label'],
    ['a label that is no text', watchers(posts, { label: 5 } as never), 'watchers[0].label'],
    ['a list for with', watchers(posts, { with: ['tags'] } as never), 'watchers[0].with'],
    ['false for a relation', watchers(posts, { with: { tags: false } } as never), 'watchers[0].with.tags'],
    [
      'a description without a name',
      watchers(plain({ sqlName: undefined }) as never),
      'watchers[0].table.sqlName',
    ],
    [
      'a description without columns',
      watchers(plain({ columns: undefined }) as never),
      'watchers[0].table.columns',
    ],
    ['a description with another part', watchers(plain({ keys: ['no'] }) as never), 'watchers[0].table.keys'],
    ['the defaults with options', [{ table: { defaults: true }, label: 'l' }], 'watchers[0]'],
    [
      'the second of a table, malformed',
      watchers(posts).and(posts, { columns: 5 } as never),
      'watchers[1].columns',
    ],
  ])('%s is refused with its place', (_, specs, place) => {
    expect(() => planWatchers(model, specs as never)).toThrow(
      expect.objectContaining({ code: 'WATCH_INVALID', message: expect.stringContaining(place) }),
    );
  });

  test('a label of a table without a schema names columns that are described', () => {
    const list = watchers(plain({}), { label: 'l', extraColumns: ['note'], columns: ['note', 'totl'] });
    expect(() => planWatchers(model, list)).toThrow(
      expect.objectContaining({ code: 'WATCH_UNKNOWN_COLUMN', message: expect.stringContaining('totl') }),
    );
  });

  test('everything that is wrong is said at once', () => {
    const list = watchers(posts, {
      label: '',
      colums: ['title'],
      columns: ['titel'],
      with: { tag: true },
    } as never)
      .and('persons')
      .and(people, { label: 'l' })
      .and(tags, { label: 'l' });
    const problems = [
      { code: 'WATCH_INVALID', message: expect.stringContaining('watchers[0].label') },
      { code: 'WATCH_INVALID', message: expect.stringContaining('watchers[0].colums') },
      { code: 'WATCH_UNKNOWN_COLUMN', message: expect.stringContaining('titel') },
      { code: 'WATCH_INVALID', message: expect.stringContaining('has columns, but no label') },
      { code: 'WATCH_UNKNOWN_RELATION', message: expect.stringContaining('tag') },
      { code: 'WATCH_UNKNOWN_TABLE', message: expect.stringContaining('persons') },
      { code: 'WATCH_INVALID', message: expect.stringContaining('Two watchers have the label l') },
    ];
    expect(() => planWatchers(model, list)).toThrow(
      expect.objectContaining({ code: 'WATCH_INVALID', details: { problems } }),
    );
  });
});

describe('defaultWatchers', () => {
  test('every exposed table, and what relations reach from there', () => {
    expect(planned(defaultWatchers(model, (table) => table.name === 'people'))).toEqual([
      'people',
      'post_tags',
      'posts',
      'tags',
    ]);
    expect(planned(defaultWatchers(model, (table) => table.name === 'alone'))).toEqual(['alone']);
    expect(planned(defaultWatchers(model, () => false))).toEqual([]);
  });
});

describe('names', () => {
  test('fit into 63 bytes and stay apart, whatever is cut off', () => {
    const names = ['a'.repeat(63), `${'a'.repeat(62)}b`, '💧'.repeat(15), 'é'.repeat(31), 'a'];
    const made = names.flatMap((name) => [functionName('public', name), functionName('other', name)]);
    expect(new Set(made).size).toBe(made.length);
    for (const name of made) {
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(MAX_NAME_BYTES);
      expect(Buffer.from(name).toString()).toBe(name);
      expect(name).not.toContain('�');
    }
  });

  test('a shape stands for schema, table, columns in their order, their types, key, and which updates are logged', () => {
    const shape = {
      sqlSchema: 'a',
      sqlName: 'b',
      columns: ['c', 'd'],
      types: ['integer', null],
      key: ['c'],
      onlyColumns: null,
    };
    const others = [
      { columns: ['d', 'c'] },
      { types: ['bigint', null] },
      { key: ['d'] },
      { columns: ['cd'], types: ['integer'] },
      { sqlSchema: 'ab', sqlName: '' },
      { onlyColumns: ['d'] },
    ];
    const ids = [shapeId(shape), ...others.map((other) => shapeId({ ...shape, ...other }))];
    expect(new Set(ids).size).toBe(ids.length);
    expect(shapeId({ ...shape, columns: [...shape.columns] })).toBe(ids[0]);
    for (const id of ids) expect(BigInt(id)).toBeLessThan(2n ** 63n);
  });
});
