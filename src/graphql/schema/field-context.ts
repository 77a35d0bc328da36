import type { CursorCodec } from '../../feed/cursor.js';
import type { AccessRights } from '../../policy/types.js';

/** The part of a request's context that the fields of rows and change messages read. */
export interface FieldContext {
  readonly rights: AccessRights;
  readonly live?: { readonly cursors: CursorCodec } | undefined;
}
