import { ApolloClient, ApolloLink, gql, InMemoryCache, Observable } from '@apollo/client';
import { rivuletCacheConfig, rivuletLink } from '../../client/apollo/index.js';
import { answerCalls } from '../harness/calls.js';
import type { ClientApi, Way } from './client-api.js';
import { itemsManifest } from './client-manifest.js';
import { applyAll, CHANGED, LIST, type Shown, Stage, Streams, until } from './client-stage.js';

const stage = new Stage();
let shown: Shown | undefined;

async function open(way: Way): Promise<Shown> {
  const streams = new Streams();
  const manifest = itemsManifest();
  const network = new ApolloLink(
    ({ operationType }) =>
      new Observable((observer) => {
        if (operationType === 'subscription') return streams.client.subscribe({}, observer as never);
        const text = stage.answer();
        setTimeout(() => {
          observer.next(JSON.parse(text));
          observer.complete();
        }, 0);
        return undefined;
      }),
  );
  const client = new ApolloClient({
    cache: new InMemoryCache(rivuletCacheConfig(manifest)),
    link: way === 'rivulet' ? rivuletLink({ manifest, client: streams.client }).concat(network) : network,
  });
  let data: unknown;
  const query = client.watchQuery({ query: gql(LIST), context: way === 'rivulet' ? { live: true } : {} });
  query.subscribe((result) => {
    if (result.data !== undefined) data = result.data;
  });
  if (way === 'limit' || way === 'one message per change') {
    client.subscribe({ query: gql(CHANGED) }).subscribe({});
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
      void query.refetch();
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
