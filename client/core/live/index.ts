export { type ChangedRow, ChangedRowFinder } from './changed-rows.js';
export { derive, type LivePlan, type LiveRoot, readNodeId } from './derive.js';
export { type DocumentVariables, hasLiveDirective, variablesOf } from './document.js';
export {
  type ClientLiveOptions,
  type ClientLiveQueries,
  createLiveQueries,
  type LiveWatch,
} from './live-queries.js';
export { LIVE_CHECKS } from './option-checks.js';
export { DEFAULT_TIMES, type LiveTimes } from './options.js';
export { shareEqual } from './share-equal.js';
export { stableText } from './stable-text.js';
export { type LiveEvent, type LiveState, transition } from './state.js';
export type { ExecuteQuery, LiveAnswer, LiveResult, StreamClient, StreamSink } from './transport.js';
export type { VerifyOptions } from './verify/options.js';
export type { LiveDifference, SuspectChange } from './verify/report.js';
