/** What a process that is measured offers. */
export interface TargetApi {
  /** Serves; resolves to the address for WebSockets. */
  start(options: TargetOptions): Promise<string>;
  /** Subscriptions that are live. */
  subscribers(none: undefined): Promise<number> | number;
  usage(none: undefined): Usage;
  startProfile(none: undefined): Promise<void>;
  /** The functions that had the processor longest, since `startProfile`. */
  stopProfile(none: undefined): Promise<readonly ProfiledFunction[]>;
}

export interface TargetOptions {
  readonly databaseUrl: string;
  /** How the peer finds those whom a change concerns. Others have one way. */
  readonly matching?: 'none' | 'filter' | 'topic';
  /** Rivulet's limit of the same name. @default its own */
  readonly maxQueuedChanges?: number;
}

export interface Usage {
  /** User and system, since the process began. */
  readonly cpuMicros: number;
  readonly memoryMb: number;
}

export interface ProfiledFunction {
  readonly name: string;
  readonly file: string;
  readonly selfMs: number;
  readonly share: number;
}
