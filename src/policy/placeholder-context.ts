/**
 * A context in which everything is there, to learn from a policy's function which names it uses.
 * Each property and each call of it is the same stand-in again, or `false` where `isThere` says so;
 * as a number it is 1, as a list it has itself. What is computed from it means nothing.
 */
export function placeholderContext(isThere: () => boolean = () => true): unknown {
  const stand: unknown = new Proxy(() => {}, {
    get: (_target, name) => {
      if (name === Symbol.toPrimitive) return () => 1;
      if (name === Symbol.iterator) return () => [stand][Symbol.iterator]();
      // No promise, and nothing that JSON would ask.
      if (name === 'then' || name === 'toJSON') return undefined;
      return isThere() && stand;
    },
    has: () => true,
    apply: () => isThere() && stand,
    construct: () => stand as object,
  });
  return stand;
}

/** Functions that read more than this are not followed into every branch. */
const MOST_RUNS = 256;

/**
 * The results of a function if some of the context that it reads is present and some is `false`:
 * its branches, as far as these depend on truth. A comparison with a value always takes the same
 * branch. A call that throws has no result.
 */
export function resultsOfBranches(work: (context: unknown) => unknown): readonly unknown[] {
  const answers: unknown[] = [];
  const waiting: (readonly boolean[])[] = [[]];
  for (let runs = 0; waiting.length > 0 && runs < MOST_RUNS; runs++) {
    const begun = waiting.shift()!;
    let read = 0;
    const context = placeholderContext(() => begun[read++] ?? true);
    try {
      answers.push(work(context));
    } catch {
      // This branch has no answer.
    }
    for (let place = begun.length; place < Math.min(read, MOST_RUNS); place++)
      waiting.push([...begun, ...Array<boolean>(place - begun.length).fill(true), false]);
  }
  return answers;
}
