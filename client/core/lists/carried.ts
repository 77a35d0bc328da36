import type { Covered } from './store.js';
import type { Told } from './told.js';

/** What an answer says besides what its document asked for, on its way through a cache that only shows the data. */
export interface Carried {
  readonly told: readonly Told[];
  readonly covered: Covered;
}

const CARRIED = Symbol('what a message says, whatever its document calls it');

/** The data with what is carried; nobody who shows or compares it sees that. */
export function carrying<Data extends object>(data: Data, carried: Carried): Data {
  const copy = { ...data };
  Object.defineProperty(copy, CARRIED, { value: carried, configurable: true });
  return copy;
}

/** What the data carries; given once. */
export function takeCarried(data: object): Carried | undefined {
  const descriptor = Object.getOwnPropertyDescriptor(data, CARRIED);
  const carried = descriptor?.value as Carried | undefined;
  if (carried) Object.defineProperty(data, CARRIED, { value: undefined, configurable: true });
  return carried;
}

export function isCarrying(data: object): boolean {
  return Object.hasOwn(data, CARRIED);
}
