/** What a process that is measured offers. */
export interface TargetApi {
  /** Serves; resolves to the address for WebSockets. */
  start(options: TargetOptions): Promise<string>;
  /** Subscriptions that are live. */
  subscribers(none: undefined): Promise<number> | number;
  /** `collect`: after a collection of garbage. The peak starts anew with each call. */
  usage(options: { readonly collect: boolean }): Usage;
  startProfile(none: undefined): Promise<void>;
  /** The functions that had the processor longest, since `startProfile`. */
  stopProfile(none: undefined): Promise<readonly ProfiledFunction[]>;
}

export interface TargetOptions {
  readonly databaseUrl: string;
  /** How the peer finds those whom a change concerns. Others have one way. */
  readonly matching?: 'none' | 'filter' | 'rights' | 'topic' | undefined;
  /**
   * `owner`: everybody sees what is their own; `own and public`: a policy for each, and all of them see all; `team`: the same through a
   * relation, membership of a team. @default owner
   */
  readonly rights?: Rights | undefined;
  /** The limit writes what one transaction makes for a socket in one write, or each message by `ws.send`. @default send */
  readonly writes?: 'send' | 'one' | undefined;
  /** How often the row's body is selected, where a message is to be larger; for the limit, which selects nothing. @default 1 */
  readonly bodies?: number | undefined;
  /** Rivulet's limit of the same name. @default its own */
  readonly maxQueuedChanges?: number | undefined;
}

export type Rights = 'owner' | 'own and public' | 'team';

export interface Usage {
  /** User and system, since the process began. */
  readonly cpuMicros: number;
  /** Resident. */
  readonly memoryMb: number;
  /** The highest since the last call, looked at every 20 ms. */
  readonly peakMemoryMb: number;
  /** What the program itself holds: the heap's used part, and buffers. */
  readonly heldMb: number;
}

export interface ProfiledFunction {
  readonly name: string;
  readonly file: string;
  readonly selfMs: number;
  readonly share: number;
}
