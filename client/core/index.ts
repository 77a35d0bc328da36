export type { Manifest } from '../../src/manifest/types.js';
export type { Entity, Field, Fields, Linked, ListArgs, ReducerCache } from './cache.js';
export type {
  ChangeData,
  ChangeKind,
  ChangeMessage,
  ChangeOp,
  Changes,
  ChangeTransaction,
  Link,
  RelatedScope,
  RelatedScopes,
  RowChange,
  WireRow,
} from './messages.js';
export type { Need, NeededField } from './needs.js';
export { type ReadMessage, readMessages } from './read-message.js';
export { reduce } from './reduce.js';
export type { ReduceOptions } from './reduction.js';
export { type ClientSchema, readManifest } from './schema.js';
export {
  createSseClient,
  type FetchLike,
  type SseClient,
  type SseClientOptions,
  type SseRequest,
} from './sse/index.js';
export { type Synced, type SyncOptions, sync, syncWithNeeds } from './sync.js';
export type { ListShape } from './tree-shape.js';
