import { RivuletError } from '../../../shared/errors.js';

/**
 * Throws `VARIABLES_TOO_DEEP` for values nested in one another more than `maxDepth` times. Needs no
 * stack, however deep they are.
 */
export function assertDepth(values: readonly unknown[], maxDepth: number): void {
  let level = values.filter(isNested);
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === maxDepth) throw tooDeep(maxDepth);
    const next: object[] = [];
    for (const value of level) {
      for (const name in value) {
        const inner: unknown = (value as Readonly<Record<string, unknown>>)[name];
        if (isNested(inner)) next.push(inner);
      }
    }
    level = next;
  }
}

/**
 * True for a text of JSON in which more brackets open than values may be nested: such a one is
 * worth a look.
 */
export function hasManyBrackets(text: string, maxDepth: number): boolean {
  let brackets = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if ((code === 0x5b || code === 0x7b) && ++brackets > maxDepth) return true;
  }
  return false;
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

export function tooDeep(maxDepth: number): RivuletError {
  const message = `variables, extensions and payloads are nested at most ${maxDepth} deep`;
  return new RivuletError('VARIABLES_TOO_DEEP', message, {
    limit: 'limits.variableDepth',
    maximum: maxDepth,
  });
}
