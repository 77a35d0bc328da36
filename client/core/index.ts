export type { Manifest } from '../../shared/manifest/types.js';
export type { ChangeKind, ChangeOp, Link } from '../../shared/protocol/messages.js';
export type {
  ChangeData,
  ChangeInput,
  SelectedChange,
  SelectedMessage,
  SelectedRelated,
  SelectedRelatedMap,
  SelectedTransaction,
  WireRow,
} from '../../shared/protocol/selected.js';
export type { CachedField, EntityReference, LinkResult, ListArgs, ReducerCache, RowFields } from './cache.js';
export type { FetchNeed, NeededField } from './fetch-needs.js';
export { type ReadMessage, readMessages } from './read-message.js';
export { reduce } from './reduce.js';
export type { ReduceOptions } from './reduction-context.js';
export { type ClientSchema, readManifest } from './schema.js';
export {
  createSseClient,
  type FetchLike,
  type SseClient,
  type SseClientOptions,
  type SseRequest,
} from './sse/index.js';
export { type SyncOptions, type SyncResult, sync, syncWithNeeds } from './sync.js';
export type { ListShape } from './tree-shape.js';
