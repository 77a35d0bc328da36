import type { Wrong } from '../support/faults/judge.js';
import type { Settled } from '../support/faults/stand.js';

/** What a soak amounts to so far. */
export class Figures {
  readonly #began = performance.now();
  readonly injections = new Map<string, number>();
  /** Faults that could not be injected, with why. */
  readonly failedInjections = new Map<string, number>();
  readonly findings: string[] = [];
  readonly wrong: Record<Wrong, number> = { lost: 0, doubled: 0, 'out of order': 0, phantom: 0, reset: 0 };
  rounds = 0;
  commits = 0;
  /** Messages and answers, to one subscriber each. */
  deliveries = 0;
  /** Rows in them. */
  rows = 0;

  get seconds(): number {
    return (performance.now() - this.#began) / 1_000;
  }

  get isGood(): boolean {
    return this.findings.length === 0 && this.failedInjections.size === 0;
  }

  count(into: Map<string, number>, name: string, by = 1): void {
    into.set(name, (into.get(name) ?? 0) + by);
  }

  add(settled: Settled): void {
    this.rounds++;
    this.commits += settled.commits;
    this.deliveries += settled.messages;
    this.rows += settled.rows;
    for (const [wrong, count] of Object.entries(settled.wrong)) this.wrong[wrong as Wrong] += count;
    this.findings.push(...settled.findings);
  }
}

export function summary(
  figures: Figures,
  rest: { readonly seed: number; readonly reconnects: number; readonly resets: ReadonlyMap<string, number> },
): string {
  const { wrong } = figures;
  const list = (counts: ReadonlyMap<string, number>): string =>
    [...counts]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none';
  const injected = [...figures.injections.values()].reduce((sum, count) => sum + count, 0);
  return [
    `seed            ${rest.seed}`,
    `time            ${Math.round(figures.seconds)} s, ${figures.rounds} rounds`,
    `faults          ${injected}: ${list(figures.injections)}`,
    `commits         ${figures.commits}`,
    `deliveries      ${figures.deliveries} messages, ${figures.rows} rows`,
    `lost            ${wrong.lost}`,
    `doubled         ${wrong.doubled}`,
    `out of order    ${wrong['out of order']}`,
    `phantoms        ${wrong.phantom}`,
    `resets          ${list(rest.resets)}; ${wrong.reset} of them, or errors, without a reason`,
    `reconnects      ${rest.reconnects}`,
    ...(figures.failedInjections.size > 0 ? [`faults that failed: ${list(figures.failedInjections)}`] : []),
    ...figures.findings.map((finding) => `  ${finding}`),
    figures.isGood ? 'good' : 'NOT GOOD',
  ].join('\n');
}
