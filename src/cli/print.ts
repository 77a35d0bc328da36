import { RivuletError } from '../../shared/errors.js';
import { errorEntry } from '../error-texts.js';

/**
 * A coded error as people read it: code, message, what to do. Anything else is a fault of ours:
 * with its stack.
 */
export function describeError(error: unknown): string {
  if (isCoded(error)) return `error ${error.code}: ${error.message}\n  ${errorEntry(error).next}`;
  if (error instanceof Error) return error.stack ?? error.message;
  return String(error);
}

/** By its shape: a configuration file may have got another copy of the package than this one. */
function isCoded(error: unknown): error is RivuletError {
  return error instanceof RivuletError || (error instanceof Error && error.name === 'RivuletError');
}

/** Rows under their column names, columns aligned, NULL empty; for `rivulet sql`. */
export function table(columns: readonly string[], rows: readonly (readonly (string | null)[])[]): string {
  const lines = [columns, ...rows.map((row) => row.map((cell) => cell ?? ''))];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => (line[index] ?? '').length)));
  const aligned = lines.map((line) =>
    line
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join(' | ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '-'.repeat(width)).join('-+-');
  return [aligned[0], rule, ...aligned.slice(1)].join('\n');
}
