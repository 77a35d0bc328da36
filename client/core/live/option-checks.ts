import {
  callback,
  either,
  flag,
  kind,
  type OptionCheck,
  type OptionChecks,
  object,
  wholeNumber,
} from '../../../src/options/checks.js';
import { manifest } from '../manifest-check.js';
import type { LiveTimes } from './options.js';
import type { VerifyOptions } from './verify/options.js';

const milliseconds = wholeNumber(0);

const TIMES: OptionChecks<Partial<LiveTimes>> = {
  refetchGapMs: milliseconds,
  resetSpreadMs: milliseconds,
  retryFirstMs: milliseconds,
  retryMostMs: milliseconds,
  catchUpMs: milliseconds,
  echoMs: milliseconds,
  gatherMs: milliseconds,
  togetherMs: milliseconds,
  settleMs: milliseconds,
};

const VERIFY: OptionChecks<VerifyOptions> = {
  everyMs: milliseconds,
  confirmMs: milliseconds,
  patienceMs: milliseconds,
  giveUpMs: milliseconds,
  onProblem: callback,
};

/** The checks of the options that the urql exchange and the Apollo link share. */
export const LIVE_CHECKS = {
  manifest,
  client: kind('a client with `subscribe`, such as `createClient` of graphql-ws returns', isStreamClient),
  times: object(TIMES),
  verify: either((value) => typeof value === 'boolean', flag, object(VERIFY)),
  onError: callback,
} as const satisfies Readonly<Record<string, OptionCheck>>;

function isStreamClient(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'subscribe' in value;
}
