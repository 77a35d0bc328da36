import { RivuletError } from '../errors.js';
import { isPlain, type OptionChecks, problemsOf } from './checks.js';

/**
 * Throws `OPTIONS_INVALID` with every problem of the options of the function `name`: those that do
 * not exist, those of another shape, and those of `required` that are missing.
 */
export function assertOptions<Options>(
  name: string,
  options: unknown,
  checks: OptionChecks<Options>,
  required: readonly (keyof Options & string)[] = [],
): void {
  const problems = [...problemsOf<Options>(options, checks)];
  const given = isPlain(options) ? options : {};
  for (const each of required) if (given[each] === undefined) problems.push(`${each}: is missing`);
  assertNone(name, problems);
}

/**
 * Throws `OPTIONS_INVALID` with these problems of the options of the function `name`, if there are
 * any.
 */
export function assertNone(name: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new RivuletError(
    'OPTIONS_INVALID',
    `The options of \`${name}\` have problems:\n- ${problems.join('\n- ')}`,
    {
      problems,
    },
  );
}
