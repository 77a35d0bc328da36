/** Recognizes a promise, so that the fault can say so. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== 'object' || value === null || !('then' in value)) return false;
  return typeof value.then === 'function';
}

/** How deep a filter may be, and some more. */
const MAX_DEPTH = 20;

/**
 * Catches the rejections of promises in a policy's answer that was refused: nobody waits for them, and a rejection that nobody catches
 * ends the process.
 */
export function ignoreRejections(answer: unknown, depth = 0): void {
  if (answer instanceof Promise) answer.catch(() => {});
  else if (typeof answer === 'object' && answer !== null && depth < MAX_DEPTH)
    for (const name of Reflect.ownKeys(answer))
      ignoreRejections((answer as Readonly<Record<PropertyKey, unknown>>)[name], depth + 1);
}
