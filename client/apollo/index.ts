export type { Manifest } from '../../shared/manifest/types.js';
export type {
  LiveDifference,
  LiveTimes,
  StreamClient,
  SuspectChange,
  VerifyOptions,
} from '../core/live/index.js';
export { rivuletCacheConfig } from './cache.js';
export { type RivuletLinkOptions, rivuletLink } from './link.js';
