/** Exit code of a process that ended at once after a second signal: 128 + SIGINT. */
const INTERRUPTED = 130;

/**
 * npm passes on a Ctrl-C that the terminal has sent to its child already: within this time the two
 * are one.
 */
const SAME_SIGNAL_MS = 300;

export interface StopSignal {
  /** Resolves at the first SIGINT or SIGTERM since `listenForStop`. */
  readonly received: Promise<void>;
  readonly isReceived: boolean;
  /** From now on signals do what they do by default. */
  forget(): void;
}

/**
 * From now on SIGINT and SIGTERM are noted instead of ending the process; a second one ends it at
 * once. To be called before anything is started that would outlive the process.
 */
export function listenForStop(): StopSignal {
  let firstAt: number | undefined;
  let resolve = (): void => {};
  const received = new Promise<void>((done) => {
    resolve = done;
  });
  const onSignal = (): void => {
    if (firstAt !== undefined && Date.now() - firstAt > SAME_SIGNAL_MS) process.exit(INTERRUPTED);
    firstAt ??= Date.now();
    resolve();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    received,
    get isReceived() {
      return firstAt !== undefined;
    },
    forget: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
