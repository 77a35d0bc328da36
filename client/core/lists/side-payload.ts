import type { ChangeReport } from './change-reports.js';
import type { LiveCoverage } from './list-store.js';

/**
 * The part of a response that its document did not select, on its way through a cache that only
 * passes data on.
 */
export interface SidePayload {
  readonly reports: readonly ChangeReport[];
  readonly coverage: LiveCoverage;
}

const SIDE_PAYLOAD = Symbol('what a message says, whatever its document calls it');

/** The data with what is carried; nobody who shows or compares it sees that. */
export function withSidePayload<Data extends object>(data: Data, carried: SidePayload): Data {
  const copy = { ...data };
  Object.defineProperty(copy, SIDE_PAYLOAD, { value: carried, configurable: true });
  return copy;
}

/** Removes and returns the side payload of the data. */
export function takeSidePayload(data: object): SidePayload | undefined {
  const descriptor = Object.getOwnPropertyDescriptor(data, SIDE_PAYLOAD);
  const carried = descriptor?.value as SidePayload | undefined;
  if (carried) Object.defineProperty(data, SIDE_PAYLOAD, { value: undefined, configurable: true });
  return carried;
}

export function hasSidePayload(data: object): boolean {
  return Object.hasOwn(data, SIDE_PAYLOAD);
}
