export { type ChangedRow, ChangedRows } from './changed-rows.js';
export { derive, type LivePlan, type LiveRoot, readNodeId } from './derive.js';
export { hasLiveDirective, type Variables, variablesOf } from './document.js';
export {
  createLiveQueries,
  type LiveQueries,
  type LiveQueriesOptions,
  type Watch,
} from './live-queries.js';
export { LIVE_CHECKS } from './option-checks.js';
export { DEFAULT_TIMES, type LiveTimes } from './options.js';
export { shareEqual } from './share.js';
export { stableText } from './stable-text.js';
export { type LiveEvent, type LiveState, transition } from './state.js';
export type { Execute, LiveAnswer, LiveResult, StreamClient, StreamSink } from './transport.js';
export type { VerifyOptions } from './verify/options.js';
export type { LiveDifference, SuspectChange } from './verify/report.js';
