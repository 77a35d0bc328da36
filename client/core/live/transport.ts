import type { DocumentNode } from 'graphql';
import type { DocumentVariables } from './document.js';

/** An answer, or why there is none. */
export interface LiveAnswer {
  readonly data?: unknown;
  readonly errors?: readonly unknown[] | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
  /**
   * The request did not reach the server, or its answer did not reach us: the same request may
   * succeed later.
   */
  readonly unreachable?: boolean;
}

/** Sends a query; calls back once, unless it was cancelled. */
export type ExecuteQuery = (
  document: DocumentNode,
  variables: DocumentVariables,
  done: (answer: LiveAnswer) => void,
) => () => void;

export interface StreamSink {
  next(result: { readonly data?: unknown; readonly errors?: readonly unknown[] | undefined }): void;
  error(error: unknown): void;
  complete(): void;
}

/** The common part of `Client` of graphql-ws and of graphql-sse. */
export interface StreamClient {
  subscribe(
    request: { readonly query: string; readonly variables: Record<string, unknown> },
    sink: StreamSink,
  ): () => void;
  /** graphql-ws tells of its connection; without it, a break shows when the client gives up. */
  on?(event: never, listener: never): () => void;
}

/** The result that a watcher of a live query receives. */
export interface LiveResult {
  readonly data: unknown;
  readonly errors?: readonly unknown[] | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
  /** It may be old: the connection is lost, or an answer could not be had. */
  readonly stale: boolean;
  /** Why the query could not be sent again. */
  readonly problem?: unknown;
  /** The first result since the query was sent, or since somebody asked for a result. */
  readonly isAnswer: boolean;
  /**
   * It was shown before, and is said again because something else may have been written over it.
   */
  readonly isRepeat: boolean;
}
