export type { Manifest } from '../../shared/manifest/types.js';
export type {
  LiveDifference,
  LiveTimes,
  StreamClient,
  SuspectChange,
  VerifyOptions,
} from '../core/live/index.js';
export { rivuletCache, rivuletKeys } from './cache.js';
export { type RivuletExchangeOptions, rivuletExchange } from './exchange.js';
export { rivuletResolvers } from './resolvers.js';
export { rivuletUpdates } from './updates.js';
