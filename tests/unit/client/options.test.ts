import { expect, test } from 'vitest';
import { rivuletLink } from '../../../client/apollo/index.js';
import { createSseClient } from '../../../client/core/index.js';
import { rivuletExchange } from '../../../client/urql/index.js';
import { manifest } from './blog.js';

const client = { subscribe: () => () => {}, on: () => () => {} };

function problemsOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    const { code, details } = error as { code?: unknown; details?: { problems?: unknown } };
    return code === 'OPTIONS_INVALID' ? details?.problems : error;
  }
  return [];
}

const live = [
  ['rivuletExchange', (options: unknown) => rivuletExchange(options as never)],
  ['rivuletLink', (options: unknown) => rivuletLink(options as never)],
] as const;

test.each(live)('%s refuses its options with all their problems at once', (_name, make) => {
  const wrong = {
    manifets: {},
    client: {},
    times: { echoMs: '5', echo: 1 },
    verify: { everyMs: -1, onProblem: 'log' },
    onError: true,
  };
  expect(problemsOf(() => make(wrong))).toEqual([
    expect.stringMatching(/^manifets: there is no such option; there are manifest, /),
    expect.stringMatching(/^client: must be a client with `subscribe`/),
    'times.echoMs: must be a whole number from 0, not "5"',
    expect.stringMatching(/^times\.echo: there is no such option/),
    'verify.everyMs: must be a whole number from 0, not -1',
    'verify.onProblem: must be a function, not "log"',
    'onError: must be a function, not true',
    'manifest: is missing',
  ]);
  expect(problemsOf(() => make(undefined))).toEqual([
    'the options: must be an object, not undefined',
    'manifest: is missing',
    'client: is missing',
  ]);
  const given = { manifest, client, verify: true, times: undefined, onError: undefined };
  expect(problemsOf(() => make(given))).toEqual([]);
});

test('createSseClient refuses its options with all their problems at once', () => {
  const wrong = { uri: '/graphql', headers: { a: 1 }, credentials: 'all', retryFirstMs: 1.5 };
  expect(problemsOf(() => createSseClient(wrong as never))).toEqual([
    expect.stringMatching(/^uri: there is no such option; there are url, /),
    'headers.a: must be a string, not 1',
    'credentials: must be one of "omit", "same-origin", "include", not "all"',
    'retryFirstMs: must be a whole number from 0, not 1.5',
    'url: is missing',
  ]);
  expect(problemsOf(() => createSseClient({ url: '/graphql', headers: () => ({}) }))).toEqual([]);
});
