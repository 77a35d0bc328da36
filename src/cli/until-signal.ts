/** Exit code of a process that ended at once because it was told twice: 128 + SIGINT. */
const INTERRUPTED = 130;

/**
 * Waits for SIGINT or SIGTERM, then runs `stop` and resolves when it is done. A second signal ends the process at once.
 * Where another process ends what this one needs (npm sends a signal of its own on Ctrl-C), the same signal may arrive
 * twice in one moment: that counts as once.
 */
export function untilSignal(stop: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    let firstAt: number | undefined;
    const onSignal = (): void => {
      if (firstAt === undefined) {
        firstAt = Date.now();
        stop().then(resolve, reject).finally(forget);
      } else if (Date.now() - firstAt > SAME_SIGNAL_MS) {
        process.exit(INTERRUPTED);
      }
    };
    const forget = (): void => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}

const SAME_SIGNAL_MS = 300;
