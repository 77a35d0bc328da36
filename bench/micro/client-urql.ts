import { Client, type Exchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { pipe, subscribe } from 'wonka';
import { rivuletCache, rivuletExchange } from '../../client/urql/index.js';
import { answerCalls } from '../harness/calls.js';
import type { ClientApi, Way } from './client-api.js';
import { itemsManifest } from './client-manifest.js';
import { applyAll, CHANGED, LIST, type Shown, Stage, Streams, until } from './client-stage.js';

const stage = new Stage();
let shown: Shown | undefined;

async function open(way: Way): Promise<Shown> {
  const streams = new Streams();
  const manifest = itemsManifest();
  const graphcache = cacheExchange(rivuletCache({ manifest }));
  const own: Exchange =
    way === 'rivulet' ? rivuletExchange({ manifest, client: streams.client, cache: graphcache }) : graphcache;
  const client = new Client({
    url: 'http://localhost/graphql',
    preferGetMethod: false,
    fetch: async () => new Response(stage.answer(), { headers: { 'content-type': 'application/json' } }),
    exchanges: [
      own,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: () => ({
          subscribe: (sink) => ({ unsubscribe: streams.client.subscribe({}, sink as never) }),
        }),
      }),
    ],
  });
  let data: unknown;
  pipe(
    client.query(LIST, {}, way === 'rivulet' ? { live: true } : {}),
    subscribe((result) => {
      data = result.data;
    }),
  );
  if (way === 'limit' || way === 'one message per change') {
    pipe(
      client.subscription(CHANGED, {}),
      subscribe(() => {}),
    );
  }
  await until(() => data !== undefined && (way === 'refetch' || streams.isOpen));
  const written = (items: readonly object[]) => JSON.stringify({ data: { itemsChanged: items } });
  const bring: Record<Way, Shown['bring']> = {
    rivulet: (items) => streams.send(stage.message(items)),
    limit: (items) => streams.send(written(items)),
    'one message per change': (items) => {
      for (const item of items) streams.send(written([item]));
    },
    refetch: () => {
      void client.query(LIST, {}, { requestPolicy: 'network-only' }).toPromise();
    },
  };
  return { data: () => data, bring: bring[way] };
}

const api: ClientApi = {
  prepare: async ({ way, rows }) => {
    stage.fill(rows);
    shown = await open(way);
  },
  apply: (options) => applyAll(stage, shown!, options),
};

answerCalls(api, async () => {});
