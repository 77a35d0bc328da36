/** Recognizes a promise, so that the fault can say so. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== 'object' || value === null || !('then' in value)) return false;
  return typeof value.then === 'function';
}

/**
 * Parts of a policy's result that are searched. A Drizzle column by mistake leads to its whole
 * schema, and on to a connection.
 */
const MAX_PARTS = 10_000;

/**
 * Catches the rejections of promises in a policy's answer that was refused: nobody waits for them,
 * and a rejection that nobody catches ends the process. Each part is looked at once, whatever leads
 * to it; no getter is called.
 */
export function ignoreRejections(answer: unknown): void {
  const parts = new Set<unknown>([answer]);
  for (const part of parts) {
    if (part instanceof Promise) part.catch(() => {});
    else if (typeof part === 'object' && part !== null && parts.size < MAX_PARTS) {
      for (const name of Reflect.ownKeys(part)) {
        const value: unknown = Object.getOwnPropertyDescriptor(part, name)?.value;
        if (typeof value === 'object' && value !== null) parts.add(value);
      }
    }
  }
}
