export type { Manifest } from '../../src/manifest/types.js';
export type { LiveTimes, StreamClient } from '../core/live/index.js';
export { rivuletCache, rivuletKeys, rivuletUpdates } from './cache.js';
export { type RivuletExchangeOptions, rivuletExchange } from './exchange.js';
