import type { Model, ModelTable } from '../../shared/model/types.js';
import type { Change, ChangeMessage } from '../../shared/protocol/messages.js';
import type { CursorCodec } from '../feed/cursor.js';
import type {
  ChangeSpec,
  RelatedMessages,
  RelatedSpec,
  ScopeChange,
  ScopeMessage,
  TransactionInfo,
} from '../scope/messages/types.js';
import type { StreamViewer } from './change-spec.js';
import { type RowView, toPlainRow, toRow } from './row.js';
import type { RowReader } from './row-reader.js';
import type { UntypedRelated, UntypedRow } from './types.js';

export type UntypedMessage = ChangeMessage<UntypedRow, UntypedRow, UntypedRelated>;
type UntypedChange = Change<UntypedRow>;

/** A stream's messages as its subscribers are handed them. */
export interface MessageView {
  readonly viewer: StreamViewer;
  readonly spec: ChangeSpec;
  /** Equal for streams whose messages may be one object: where the rights are the same too. */
  readonly key: string;
}

/** Makes a scope's messages into those of the API: once for all who hear the same. */
export class StreamMessages {
  readonly #model: Model;
  readonly #cursors: CursorCodec;
  readonly #reader: RowReader;
  readonly #made = new WeakMap<ScopeMessage, Map<string, UntypedMessage>>();

  constructor(model: Model, cursors: CursorCodec, reader: RowReader) {
    this.#model = model;
    this.#cursors = cursors;
    this.#reader = reader;
  }

  of(message: ScopeMessage, view: MessageView): UntypedMessage {
    let made = this.#made.get(message);
    if (!made) {
      made = new Map();
      this.#made.set(message, made);
    }
    let known = made.get(view.key);
    if (!known) {
      known = this.#make(message, view);
      made.set(view.key, known);
    }
    return known;
  }

  #make({ cursor, reset, transaction, changes, related }: ScopeMessage, view: MessageView): UntypedMessage {
    const { spec, viewer } = view;
    return Object.freeze({
      table: spec.table.name,
      cursor: this.#cursors.encode(cursor),
      reset,
      transaction:
        transaction && Object.freeze({ ...transaction, xid: this.#cursors.nameTransaction(transaction.xid) }),
      changes: this.#changes(changes, spec.table, spec, transaction, viewer),
      related: this.#related(related, spec.graph, transaction, viewer),
    });
  }

  #related(
    related: RelatedMessages,
    graph: readonly RelatedSpec[],
    transaction: TransactionInfo | null,
    viewer: StreamViewer,
  ): UntypedRelated {
    const entries = graph.map((spec) => {
      const message = related.get(spec.responseKey);
      const table = this.#model.table(spec.relation.target);
      const told = {
        changes: this.#changes(message?.changes ?? [], table, spec, transaction, viewer),
        links: Object.freeze([...(message?.links ?? [])]),
        related: this.#related(message?.related ?? NOTHING, spec.graph, transaction, viewer),
      };
      return [spec.responseKey, Object.freeze(told)] as const;
    });
    return Object.freeze(Object.fromEntries(entries));
  }

  #changes(
    changes: readonly ScopeChange[],
    table: ModelTable,
    view: RowView,
    transaction: TransactionInfo | null,
    viewer: StreamViewer,
  ): readonly UntypedChange[] {
    const told = changes.map((change) => {
      const made = toChange(change, table, view);
      this.#reader.know(made, { table, key: change.key, rights: viewer.rights, transaction });
      return made;
    });
    return Object.freeze(told);
  }
}

const NOTHING: RelatedMessages = new Map();

function toChange(change: ScopeChange, table: ModelTable, view: RowView): UntypedChange {
  const { kind, op, key, node, previous, changedColumns } = change;
  return Object.freeze({
    kind,
    op,
    key,
    node: node && toRow(node, view),
    previous: previous && toPlainRow(table, previous, view.hidden),
    changedColumns: Object.freeze(changedColumns.map(({ name }) => name)),
  }) as UntypedChange;
}
