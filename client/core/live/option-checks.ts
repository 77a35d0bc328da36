import {
  callback,
  either,
  flag,
  kind,
  milliseconds,
  type OptionCheck,
  type OptionChecks,
  object,
} from '../../../shared/options/checks.js';
import { manifest } from '../manifest-check.js';
import type { LiveTimes } from './options.js';
import type { VerifyOptions } from './verify/options.js';

const duration = milliseconds(0);

const TIMES: OptionChecks<Partial<LiveTimes>> = {
  refetchGapMs: duration,
  resetSpreadMs: duration,
  retryFirstMs: duration,
  retryMostMs: duration,
  catchUpMs: duration,
  echoMs: duration,
  gatherMs: duration,
  togetherMs: duration,
  settleMs: duration,
};

const VERIFY: OptionChecks<VerifyOptions> = {
  everyMs: duration,
  confirmMs: duration,
  patienceMs: duration,
  giveUpMs: duration,
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
