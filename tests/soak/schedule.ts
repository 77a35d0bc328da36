import type { Random } from '../support/faults/random.js';
import { INJECTIONS, type Injection } from './injections.js';

/** A fault, and when it begins, in milliseconds from the beginning of the round. */
export interface Planned {
  readonly atMs: number;
  readonly injection: Injection;
  /** Decides what the fault leaves open. */
  readonly random: Random;
}

export interface ScheduleOptions {
  readonly random: Random;
  readonly roundMs: number;
  readonly faultEveryMs: number;
  /** Names; all faults where it is empty. */
  readonly faults: readonly string[];
}

/** The faults of one round, in order. */
export function planRound({ random, roundMs, faultEveryMs, faults }: ScheduleOptions): readonly Planned[] {
  const chosen = INJECTIONS.filter(({ name }) => faults.length === 0 || faults.includes(name));
  const planned: Planned[] = [];
  for (let atMs = faultEveryMs * random.next(); atMs < roundMs; atMs += 2 * faultEveryMs * random.next()) {
    planned.push({ atMs: Math.round(atMs), injection: pick(chosen, random), random: random.fork() });
  }
  return planned;
}

function pick(injections: readonly Injection[], random: Random): Injection {
  const tickets = injections.flatMap((injection) =>
    Array.from({ length: injection.weight }, () => injection),
  );
  return random.pick(tickets);
}
