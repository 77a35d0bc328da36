import { Client, type Exchange, type Operation, type OperationResult } from '@urql/core';
import { type CacheExchangeOpts, cacheExchange } from '@urql/exchange-graphcache';
import { type DocumentNode, print } from 'graphql';
import { afterEach, describe, expect, test } from 'vitest';
import { filter, makeSubject, mergeMap, pipe, subscribe, tap } from 'wonka';
import type { StreamSink } from '../../../client/core/live/index.js';
import { rivuletCache, rivuletExchange } from '../../../client/urql/index.js';
import { waitFor } from '../../support/wait-for.js';
import { manifest } from '../client/blog.js';
import { changed } from './played.js';

const POSTS = '{ posts(orderBy: [{ id: ASC }]) { id name } }';

interface Answer {
  readonly data: object;
  /** What the network waits for before it answers. */
  readonly until?: Promise<void>;
}

const post = (id: string, name: string) => ({ __typename: 'Post', id, name });
const three = { posts: [post('1', 'a'), post('2', 'b'), post('3', 'c')] };

/** A client of a played server whose live list of posts shows three. */
async function opened(more: (own: CacheExchangeOpts) => Partial<CacheExchangeOpts> = () => ({})) {
  const sinks: { readonly field: string; readonly sink: StreamSink }[] = [];
  const answers = new Map<string, Answer>([['posts(orderBy', { data: three }]]);
  /** Ids of the posts of which the cache asked what their key is, as it does of what it writes. */
  const written: string[] = [];
  const read: string[] = [];
  let turn = 0;

  const network: Exchange = () => (operations$) =>
    pipe(
      operations$,
      filter(({ kind }) => kind === 'query'),
      mergeMap((operation: Operation) => {
        const { source, next } = makeSubject<OperationResult>();
        const text = print(operation.query as DocumentNode);
        const [, answer] = [...answers].find(([part]) => text.includes(part))!;
        const say = () =>
          next({
            operation,
            data: structuredClone(answer.data),
            extensions: { rivulet: { cursor: 'c' } },
            stale: false,
            hasNext: false,
          });
        void (answer.until ?? Promise.resolve()).then(say);
        return source;
      }),
    );
  const own = rivuletCache({ manifest });
  const keyOfPost = own.keys.Post!;
  const opts: CacheExchangeOpts = {
    ...own,
    keys: {
      ...own.keys,
      Post: (row) => {
        written.push(String(row.id));
        return keyOfPost(row);
      },
    },
    resolvers: {
      ...own.resolvers,
      Post: {
        name: (parent, _args, _cache, info) => {
          read.push(String(parent.id ?? info.parentKey));
          return parent.name;
        },
      },
    },
  };
  const client = new Client({
    url: 'http://nowhere.invalid/',
    exchanges: [
      rivuletExchange({
        manifest,
        client: {
          subscribe: (request, sink) => {
            const [, field = ''] = /\{ (\w+)\(/.exec(request.query) ?? [];
            sinks.push({ field, sink });
            return () => {};
          },
        },
        cache: cacheExchange({ ...opts, ...more(opts) }),
        times: { settleMs: 60_000 },
      }),
      network,
    ],
  });
  const stops: (() => void)[] = [];
  const watch = (query: string, context = {}): OperationResult[] => {
    const results: OperationResult[] = [];
    const { unsubscribe } = pipe(
      client.query(query, {}, context),
      tap((result) => results.push({ ...result })),
      subscribe(() => {}),
    );
    stops.push(unsubscribe);
    return results;
  };
  const shown = watch(POSTS, { live: true });
  await waitFor('the posts', () => shown.length > 0 && sinks.length > 0);
  written.length = 0;
  read.length = 0;
  return {
    shown,
    written,
    read,
    watch,
    answers,
    tell: (...changes: readonly object[]) => {
      const xid = String(++turn);
      const message = {
        cursor: `after ${xid}`,
        reset: null,
        transaction: { xid, mutationId: null },
        changes,
      };
      for (const { field, sink } of sinks) sink.next({ data: { [field]: message } });
    },
    /** What the list shows, in one text. */
    names: () => names(shown),
    close: () => {
      for (const stop of stops) stop();
    },
  };
}

function names(shown: readonly OperationResult[]): string {
  const { posts } = (shown.at(-1)?.data ?? { posts: [] }) as { posts: readonly { name: string }[] };
  return posts.map(({ name }) => name).join(' ');
}

type Opened = Awaited<ReturnType<typeof opened>>;
const open = async (more?: Parameters<typeof opened>[0]): Promise<Opened> => {
  const page = await opened(more);
  pages.push(page);
  return page;
};
const pages: Opened[] = [];
afterEach(() => {
  for (const page of pages.splice(0)) page.close();
});

const distinct = (ids: readonly string[]) => [...new Set(ids)].sort();

describe('a live query of which only rows changed', () => {
  test('has these written into the cache, and no other', async () => {
    const page = await open();
    page.tell(changed('2', { name: 'x' }));
    await waitFor('the change', () => page.names() === 'a x c');
    expect(distinct(page.written)).toEqual(['2']);
  });

  test('shows each transaction once, with the same objects for what did not change', async () => {
    const page = await open();
    const [first] = page.shown;
    page.shown.length = 0;
    page.tell(changed('2', { name: 'x' }));
    await waitFor('the change', () => page.names() === 'a x c');
    page.tell(changed('3', { name: 'y' }));
    await waitFor('the other change', () => page.names() === 'a x y');
    expect(page.shown).toHaveLength(2);
    expect(page.shown.map(({ stale, hasNext, error }) => ({ stale, hasNext, error }))).toEqual(
      Array(2).fill({ stale: false, hasNext: false, error: undefined }),
    );
    for (const { extensions } of page.shown) expect(extensions).toEqual({ rivulet: { cursor: 'c' } });
    const [was, is] = [first!.data.posts, page.shown.at(-1)!.data.posts];
    expect(is[0]).toBe(was[0]);
    expect(is[1]).toBe(page.shown[0]!.data.posts[1]);
  });

  test('is read once for all the rows of a transaction', async () => {
    const page = await open();
    page.tell(changed('1', { name: 'x' }), changed('2', { name: 'y' }), changed('3', { name: 'z' }));
    await waitFor('the changes', () => page.names() === 'x y z');
    expect(page.read).toEqual(['1', '2', '3']);
  });

  test('is followed by everything else that shows these rows', async () => {
    const page = await open();
    page.answers.set('post(id', { data: { post: post('2', 'b') } });
    const other = page.watch('{ post(id: "2") { id name } }');
    await waitFor('the other query', () => other.at(-1)?.stale === false);
    page.tell(changed('2', { name: 'x' }));
    await waitFor('the change', () => page.names() === 'a x c');
    await waitFor('the change elsewhere', () => other.at(-1)?.data.post.name === 'x');
    expect(distinct(page.written)).toEqual(['2']);
  });

  test('shows them under names of its own, as its variables say', async () => {
    const page = await open();
    page.close();
    page.answers.set('posts(limit', { data: { posts: [{ __typename: 'Post', id: '2', called: 'b' }] } });
    const QUERY = 'query ($with: Boolean = true) { posts(limit: 9) { id called: name @include(if: $with) } }';
    const named = page.watch(QUERY, { live: true });
    await waitFor('the other list', () => named.length > 0);
    page.written.length = 0;
    page.tell(changed('2', { name: 'x' }));
    await waitFor('the change', () => named.at(-1)?.data.posts[0].called === 'x');
    expect(named).toHaveLength(2);
    expect(distinct(page.written)).toEqual(['2']);
  });
});

describe('the whole is written where', () => {
  const whole = async (page: Opened, shows: string) => {
    await waitFor('the change', () => page.names() === shows);
    expect(distinct(page.written)).toEqual(expect.arrayContaining(['1', '3']));
  };

  test('the list is another', async () => {
    const page = await open();
    page.tell(changed('2', { name: 'x' }), { kind: 'LEAVE', op: 'DELETE', key: '1' });
    await waitFor('the change', () => page.names() === 'x c');
    expect(distinct(page.written)).toContain('3');
  });

  test('something else was written over a row that did not change', async () => {
    const page = await open();
    page.answers.set('post(id', { data: { post: post('1', 'old') } });
    page.watch('{ post(id: "1") { id name } }', { requestPolicy: 'network-only' });
    await waitFor('what was written over it', () => page.names() === 'old b c');
    page.tell(changed('2', { name: 'x' }));
    await whole(page, 'a x c');
  });

  test('that is about to be shown', async () => {
    const page = await open();
    let answer = () => {};
    const until = new Promise<void>((resolve) => {
      answer = resolve;
    });
    page.answers.set('post(id', { data: { post: post('1', 'old') }, until });
    page.watch('{ post(id: "1") { id name } }', { requestPolicy: 'network-only' });
    page.tell(changed('2', { name: 'x' }));
    answer();
    await whole(page, 'a x c');
    expect(page.shown.map(({ data }) => data.posts[0].name)).not.toContain('old');
  });

  test('an answer of something else is awaited', async () => {
    const page = await open();
    page.answers.set('post(id', { data: { post: post('9', 'z') }, until: new Promise(() => {}) });
    page.watch('{ post(id: "9") { id name } }');
    page.tell(changed('2', { name: 'x' }));
    await whole(page, 'a x c');
  });

  test('the cache knows rows by another key', async () => {
    const page = await open(({ keys }) => ({
      keys: {
        ...keys,
        Post: (row) => {
          keys!.Post!(row);
          return `${row.id}!`;
        },
      },
    }));
    page.tell(changed('2', { name: 'x' }));
    await whole(page, 'a x c');
  });

  test('the cache knows rows by no key', async () => {
    const page = await open(({ keys }) => ({
      keys: {
        ...keys,
        Post: (row) => {
          keys!.Post!(row);
          return null;
        },
      },
    }));
    page.tell(changed('2', { name: 'x' }));
    await whole(page, 'a x c');
  });

  test('the cache has no updates of ours', async () => {
    const page = await open(() => ({ updates: {} }));
    page.tell(changed('2', { name: 'x' }));
    await whole(page, 'a x c');
  });

  test('the cache cannot show the list whole', async () => {
    const page = await open(({ updates }) => ({
      updates: {
        ...updates,
        Post: {
          name: (parent, _args, cache) => {
            if (parent.name === 'x') cache.invalidate('Query', 'posts', { orderBy: [{ id: 'ASC' }] });
          },
        },
      },
    }));
    page.tell(changed('2', { name: 'x' }));
    await whole(page, 'a x c');
  });
});
