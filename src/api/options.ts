import {
  anyObject,
  anything,
  kind,
  listOf,
  type OptionChecks,
  oneOf,
  problemsOf,
  text,
} from '../options/checks.js';
import { invalid } from './errors.js';
import type { LabelOptions } from './types.js';

/** Names are looked up later, in the schema, and have error codes of their own. */
const CHECKS: OptionChecks<LabelOptions> = {
  where: anyObject,
  with: anyObject,
  columns: listOf(text),
  rows: anything,
  ops: listOf(oneOf(['INSERT', 'UPDATE', 'DELETE'])),
  after: text,
  signal: kind('an AbortSignal', isSignal),
  as: anything,
};

/** Throws `CHANGES_INVALID` with every option of `changes` that does not exist or has another shape. */
export function checkChangesOptions(options: unknown): void {
  const problems = problemsOf<LabelOptions>(options, CHECKS);
  if (problems.length === 0) return;
  throw invalid(`The options of \`changes\` have problems:\n- ${problems.join('\n- ')}`, { problems });
}

function isSignal(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value;
}
