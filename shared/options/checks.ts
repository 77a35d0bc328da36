/**
 * Adds to `problems` what is wrong with `value`; `path` is the place as the user wrote it, such as
 * `server.port`.
 */
export type OptionCheck = (value: unknown, path: string, problems: string[]) => void;

/** A check for every option of a type: an option without one does not compile. */
export type OptionChecks<Options> = { readonly [Name in keyof Required<Options>]: OptionCheck };

/**
 * Returns all problems of an object of options, in the order in which they stand there: options
 * that do not exist, and values of another shape. An option that is `undefined` counts as left out.
 * `path` is empty for the outermost object.
 */
export function problemsOf<Options>(
  value: unknown,
  checks: OptionChecks<Options>,
  path = '',
): readonly string[] {
  const problems: string[] = [];
  object(checks)(value, path, problems);
  return problems;
}

/** An object with these options and no others. */
export function object<Options>(checks: OptionChecks<Options>): OptionCheck {
  return (value, path, problems) => {
    if (!isPlain(value)) {
      problems.push(`${path || 'the options'}: must be an object, not ${kindOf(value)}`);
      return;
    }
    for (const [name, item] of Object.entries(value)) {
      const place = path ? `${path}.${name}` : name;
      if (!Object.hasOwn(checks, name)) {
        problems.push(`${place}: there is no such option; there are ${Object.keys(checks).join(', ')}`);
      } else if (item !== undefined) {
        (checks as Readonly<Record<string, OptionCheck>>)[name]!(item, place, problems);
      }
    }
  };
}

/** An object of any names, of which each value passes the check. */
export function recordOf(check: OptionCheck): OptionCheck {
  return (value, path, problems) => {
    if (!isPlain(value)) problems.push(`${path}: must be an object, not ${kindOf(value)}`);
    else {
      for (const [name, item] of Object.entries(value)) {
        if (item !== undefined) check(item, `${path}.${name}`, problems);
      }
    }
  };
}

/**
 * Values that nest in each other: `make` has a check for those inside. One that contains itself is
 * refused.
 */
export function nesting(make: (inside: OptionCheck) => OptionCheck): OptionCheck {
  const below = (above: readonly unknown[]): OptionCheck => {
    return (value, path, problems) => {
      if (isObjectOf(value, above)) problems.push(`${path}: contains itself`);
      else make(below([...above, value]))(value, path, problems);
    };
  };
  return below([]);
}

function isObjectOf(value: unknown, above: readonly unknown[]): boolean {
  return typeof value === 'object' && value !== null && above.includes(value);
}

export function listOf(check: OptionCheck): OptionCheck {
  return (value, path, problems) => {
    if (!Array.isArray(value)) problems.push(`${path}: must be a list, not ${kindOf(value)}`);
    // Not forEach: it would pass over the holes of a sparse list.
    else for (const [at, item] of [...value].entries()) check(item, `${path}[${at}]`, problems);
  };
}

/** The first check decides where `isIt` holds, the second one elsewhere. */
export function either(
  isIt: (value: unknown) => boolean,
  first: OptionCheck,
  second: OptionCheck,
): OptionCheck {
  return (value, path, problems) => (isIt(value) ? first : second)(value, path, problems);
}

export const anything: OptionCheck = () => {};

export const text = kind('a string', (value) => typeof value === 'string');
export const filledText = kind(
  'a string that is not empty',
  (value) => typeof value === 'string' && value !== '',
);
export const flag = kind('true or false', (value) => typeof value === 'boolean');
export const callback = kind('a function', (value) => typeof value === 'function');
export const anyObject = kind(
  'an object',
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);

/** A whole number from `least` to `most`. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): OptionCheck {
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
  return kind(
    `a whole number ${range}`,
    (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
  );
}

/**
 * Eleven days. Timers of JavaScript fire at once from 2³¹ milliseconds on, and waits are made of
 * some multiple of an option.
 */
const LONGEST_SECONDS = 1_000_000;

export function milliseconds(least: number): OptionCheck {
  return wholeNumber(least, 1_000 * LONGEST_SECONDS);
}

export const wholeSeconds = wholeNumber(1, LONGEST_SECONDS);
export const seconds = kind(
  `a number of seconds above 0, at most ${LONGEST_SECONDS}`,
  (value) => typeof value === 'number' && value > 0 && value <= LONGEST_SECONDS,
);

export const positiveNumber = kind(
  'a number above 0',
  (value) => typeof value === 'number' && value > 0 && value <= Number.MAX_SAFE_INTEGER,
);

export function oneOf(names: readonly unknown[]): OptionCheck {
  return kind(`one of ${names.map((name) => JSON.stringify(name)).join(', ')}`, (value) =>
    names.includes(value),
  );
}

/** Anything that passes `isIt`; `what` names it in the message. */
export function kind(what: string, isIt: (value: unknown) => boolean): OptionCheck {
  return (value, path, problems) => {
    if (!isIt(value)) problems.push(`${path}: must be ${what}, not ${shown(value)}`);
  };
}

export function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // An object of another realm, such as a test runner's, has another Object.prototype.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60));
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return isPlain(value) ? 'an object' : 'an instance of a class';
  return typeof value === 'function' ? 'a function' : `a ${typeof value}`;
}
