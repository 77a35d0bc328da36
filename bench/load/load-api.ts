import type { Gate } from '../harness/scenario.js';

/** What a process of subscribers and writers offers. Each target has one of its own. */
export interface LoadApi {
  /** Resolves when all sockets are open and have subscribed (the target says when subscriptions are live). */
  connect(options: ConnectOptions): Promise<void>;
  /** Closes all sockets, as clients that go away do. */
  disconnect(none: undefined): void;
  /** The first so many sockets read nothing any more; nothing is expected of them from here on. */
  stall(options: { readonly sockets: number }): void;
  /** Changes at a steady rate, whether or not they arrive. */
  steady(options: { readonly perSecond: number; readonly changes: number }): Promise<LatencyResult>;
  /** Change after change, each when the one before has reached everybody whom it concerns. */
  closedLoop(options: ClosedLoopOptions): Promise<ClosedLoopResult>;
  /** Writers that write as fast as they can; nobody here subscribes. */
  write(options: WriteOptions): Promise<WriteResult>;
  /** What was delivered to this process's subscribers (`countRows`) since it connected, once it is as much, or after the time. */
  rowsDelivered(options: { readonly expected: number; readonly timeoutMs: number }): Promise<RowsResult>;
  /** What went wrong with subscribers so far. */
  troubles(none: undefined): readonly string[];
}

export interface ConnectOptions {
  readonly url: string;
  readonly databaseUrl: string;
  readonly query: string;
  readonly sockets: number;
  /** Subscriptions on each socket, with a topic each. */
  readonly topicsPerSocket?: number;
  /** `own`: no two subscriptions have one topic, and each socket has an owner; `shared`: every socket has the first topics. @default own */
  readonly topics?: 'own' | 'shared';
  /** Sign in with a token, or tell the owner plainly. */
  readonly signIn?: 'token' | 'plain';
  /** Count rows, for messages that carry many. */
  readonly countRows?: boolean;
}

export interface LatencyResult {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Until the writer heard that its change is committed. */
  readonly commitP50Ms: number;
  readonly deliveries: number;
  readonly gate: Gate;
}

export interface RowsResult {
  readonly rows: number;
  /** When the last one came, in milliseconds since 1970. */
  readonly lastMs: number;
}

export interface ClosedLoopOptions {
  /** Changes on their way at a time. @default 1 */
  readonly window?: number;
  /** So many rows change in one transaction, each a change. @default 1 */
  readonly rowsPerTransaction?: number;
  readonly changes: number;
  /** Ends earlier when so much time has passed. */
  readonly maxMs: number;
}

export interface ClosedLoopResult {
  readonly seconds: number;
  readonly changes: number;
  readonly deliveries: number;
  readonly p50Ms: number;
  readonly gate: Gate;
}

export interface WriteOptions {
  readonly databaseUrl: string;
  readonly clients: number;
  readonly rowsPerTransaction: number;
  /** For how long. */
  readonly ms: number;
  /** Ends earlier after so many. */
  readonly transactions?: number;
}

export interface WriteResult {
  readonly transactions: number;
  readonly rows: number;
  readonly seconds: number;
  /** When the first was begun, in milliseconds since 1970. */
  readonly beganAt: number;
  /** When the last commit was heard of, in milliseconds since 1970. */
  readonly endedAt: number;
}
