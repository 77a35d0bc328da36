import type { Bench } from './bench.js';
import type { Figure } from './statistics.js';

/** A column of figures. */
export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  /** Shown as ratios to the limit and to the peer. */
  readonly compared: boolean;
}

/** One subject in one case: medians of its runs, and what the gate counted over all of them. */
export interface Row {
  readonly case: string;
  /** `rivulet` is us; `limit` and `peer` are what the ratios refer to. */
  readonly subject: string;
  readonly figures: Readonly<Record<string, Figure>>;
  readonly gate: Gate;
}

/** A run counts only where all of these are 0. */
export interface Gate {
  /** Deliveries that did not come in time. */
  readonly lost: number;
  /** Deliveries that came twice. */
  readonly double: number;
  /** Deliveries to somebody who should not have had them. */
  readonly forbidden: number;
}

export interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly metrics: readonly Metric[];
  /** Commits wait for the disk. */
  readonly durable: boolean;
  run(bench: Bench): Promise<readonly Row[]>;
}

export const CLEAN: Gate = { lost: 0, double: 0, forbidden: 0 };

export function addGates(gates: readonly Gate[]): Gate {
  return gates.reduce(
    (sum, gate) => ({
      lost: sum.lost + gate.lost,
      double: sum.double + gate.double,
      forbidden: sum.forbidden + gate.forbidden,
    }),
    CLEAN,
  );
}
