import type { EntityReference } from './cache.js';

/**
 * A part of the value that the client cannot decide and must fetch from the server. The value
 * contains no guess about it.
 *
 * | kind | the value until then |
 * | --- | --- |
 * | `reset` | continuity is lost: all of it may be old |
 * | `refetch` | the field is as it was, but for rows that certainly left or entered it: which rows belong to it is not known; or it is missing below a new row |
 * | `order` | the right rows, of which some may stand in the wrong place |
 * | `refill` | rows left a full list (`limit`), and what would move up is not known |
 * | `row` | columns of the row are old, or missing at a place where others have them |
 *
 * A need stands until the value was read again: changes applied in between do not lift it.
 */
export type FetchNeed =
  | { readonly kind: 'reset'; readonly reason: string }
  | { readonly kind: 'refetch' | 'order' | 'refill'; readonly field: NeededField }
  | { readonly kind: 'row'; readonly entity: EntityReference };

export interface NeededField {
  /** `null`: a root field. */
  readonly parent: EntityReference | null;
  /** `null`: a root field. */
  readonly relation: string | null;
}
