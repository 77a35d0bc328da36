const INTERVAL_MS = 10;

/**
 * Waits until `probe` gives anything but `undefined`, `null` or `false`, and resolves to it. Rejects after `timeoutMs`
 * (default 10,000) with `what` and the last error of the probe.
 */
export async function waitFor<T>(
  what: string,
  probe: () => T | Promise<T>,
  timeoutMs = 10_000,
): Promise<Exclude<T, undefined | null | false>> {
  const end = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== null && value !== false) {
        return value as Exclude<T, undefined | null | false>;
      }
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > end)
      throw new Error(`waited ${timeoutMs} ms in vain: ${what}`, { cause: lastError });
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
}
