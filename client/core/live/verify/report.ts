import { RivuletError } from '../../../../shared/errors.js';
import type { EntityReference } from '../../cache.js';
import type { DocumentVariables } from '../document.js';

/** The change that should have made a place of a live query what the network says it is. */
export interface SuspectChange extends EntityReference {
  /** Name of the database's transaction. */
  readonly transaction: string;
  /** `LINK` and `UNLINK`: who belongs to whom. */
  readonly kind: 'ENTER' | 'UPDATE' | 'LEAVE' | 'LINK' | 'UNLINK';
  /** True if its message reached this client. */
  readonly arrived: boolean;
}

/** The first place at which a live query shows something else than the network. */
export interface LiveDifference {
  readonly query: string;
  readonly variables: DocumentVariables;
  /** By response keys: `tasks[3].title`. */
  readonly path: string;
  /** The value that is shown there, */
  readonly cached: unknown;
  /** and what the network says. */
  readonly truth: unknown;
  /** `null`: no change that the server remembers touches the place. */
  readonly change: SuspectChange | null;
  /** `LIVE_DIFFERS`, with all of it as a text. */
  readonly error: RivuletError;
}

export function differenceOf(found: Omit<LiveDifference, 'error'>): LiveDifference {
  const { path, cached, truth, change, query } = found;
  const why = change
    ? `${change.kind} of ${change.table} ${change.key} in transaction ${change.transaction} should have made it so; its message ${change.arrived ? 'came and did not' : 'never came'}`
    : 'no change that the server remembers explains it';
  const shown = `a live query shows ${textOf(cached)} at ${path}, and the network says ${textOf(truth)}`;
  const error = new RivuletError(
    'LIVE_DIFFERS',
    `${shown}: ${why}. ${query.replaceAll(/\s+/g, ' ').slice(0, 200)}`,
  );
  return { ...found, error };
}

function textOf(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
