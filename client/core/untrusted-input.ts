import { RivuletError } from '../../shared/errors.js';
import type { RowFields } from './cache.js';
import { isObject } from './row.js';

/** The reader's place in a message. */
export interface MessagePlace {
  readonly path: string;
  readonly depth: number;
  readonly maxDepth: number;
}

/** Throws `MESSAGE_INVALID` past the depth that any message of this schema can have. */
export function below(at: MessagePlace, name: string | number): MessagePlace {
  const path = typeof name === 'number' ? `${at.path}[${name}]` : `${at.path}.${name.slice(0, 60)}`;
  if (at.depth >= at.maxDepth) throw invalid(at, 'more levels than a message can have');
  return { ...at, path, depth: at.depth + 1 };
}

export function objectAt(input: unknown, at: MessagePlace): RowFields {
  if (!isObject(input)) throw invalid(at, 'no object');
  return input;
}

/** An own property, so that nothing is found in a prototype. */
export function own(object: RowFields, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

export function listAt(input: unknown, at: MessagePlace): readonly unknown[] {
  if (input === undefined || input === null) return [];
  if (!Array.isArray(input)) throw invalid(at, 'no list');
  return input;
}

export function oneOf<Name extends string>(names: readonly Name[], input: unknown, at: MessagePlace): Name {
  const found = names.find((name) => name === input);
  if (found === undefined) throw invalid(at, `none of ${names.join(', ')}`);
  return found;
}

export function invalid(at: MessagePlace, why: string): RivuletError {
  return new RivuletError('MESSAGE_INVALID', `${at.path}: ${why}`, { path: at.path });
}
