/** One figure of several runs. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: readonly number[];
}

export function figureOf(runs: readonly number[]): Figure {
  const sorted = sort(runs);
  return {
    median: rounded(percentile(sorted, 50)),
    min: rounded(sorted[0] ?? Number.NaN),
    max: rounded(sorted.at(-1) ?? Number.NaN),
    runs: runs.map(rounded),
  };
}

/** Of values in ascending order; between two of them, on the line that joins them. */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  if (sorted.length === 0) return Number.NaN;
  const at = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(at)]!;
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at));
}

export function sort(values: readonly number[]): readonly number[] {
  return [...values].sort((a, b) => a - b);
}

/** Three figures that mean something; whole from 1,000 on. */
export function rounded(value: number): number {
  return Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(3));
}
