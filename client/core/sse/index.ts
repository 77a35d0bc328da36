export { createSseClient, type SseClient, type SseRequest } from './client.js';
export type { FetchLike, SseClientOptions } from './options.js';
