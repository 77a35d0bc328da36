import {
  anyObject,
  anything,
  isPlain,
  kind,
  listOf,
  nesting,
  type OptionCheck,
  type OptionChecks,
  oneOf,
  problemsOf,
  text,
} from '../../shared/options/checks.js';
import { invalidOption } from './errors.js';
import type { LabelOptions } from './types.js';

/** A plain object. Its contents are checked later, but it must not contain itself. */
const endsSomewhere: OptionCheck = nesting((inside) => (value, path, problems) => {
  if (!isPlain(value)) return;
  for (const [name, below] of Object.entries(value)) inside(below, `${path}.${name}`, problems);
});

/** Names are looked up later, in the schema, and have error codes of their own. */
const CHECKS: OptionChecks<LabelOptions> = {
  where: anyObject,
  with: (value, path, problems) => {
    anyObject(value, path, problems);
    endsSomewhere(value, path, problems);
  },
  columns: listOf(text),
  rows: anything,
  ops: listOf(oneOf(['INSERT', 'UPDATE', 'DELETE'])),
  after: text,
  signal: kind('an AbortSignal', isSignal),
  as: anything,
};

/**
 * Throws `CHANGES_INVALID` with every option of `changes` that does not exist or has another shape.
 */
export function checkChangesOptions(options: unknown): void {
  const problems = problemsOf<LabelOptions>(options, CHECKS);
  if (problems.length === 0) return;
  throw invalidOption(`The options of \`changes\` have problems:\n- ${problems.join('\n- ')}`, { problems });
}

function isSignal(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value;
}
