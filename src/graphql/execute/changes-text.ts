import type { ModelTable } from '../../../shared/model/types.js';
import type { Link } from '../../../shared/protocol/messages.js';
import type { CursorCodec } from '../../feed/cursor.js';
import type {
  RelatedMessage,
  RelatedMessages,
  ScopeChange,
  ScopeMessage,
  TransactionInfo,
} from '../../scope/messages/types.js';
import type { SelectionSets } from '../plan/selection.js';
import { NOTHING_RELATED_HERE } from '../schema/related-types.js';
import { fieldType, leafText, listText, nullable, objectText, type TextWriter } from './object-text.js';
import { columnText, type RowWriterContext, rowText } from './row-text.js';

/** A message and the codec that writes its cursor. */
export interface StreamedMessage {
  readonly message: ScopeMessage;
  readonly cursors: CursorCodec;
}

/** `TaskChanges`. */
export function changesText(
  compiling: RowWriterContext,
  table: ModelTable,
  selection: SelectionSets,
): TextWriter<StreamedMessage> | null {
  return objectText<StreamedMessage>(
    compiling,
    `${table.typeName}Changes`,
    selection,
    (name, _key, below) => {
      switch (name) {
        case 'cursor':
          return ({ message, cursors }) => JSON.stringify(cursors.encode(message.cursor));
        case 'reset':
          return ({ message }) => JSON.stringify(message.reset);
        case 'transaction': {
          const writer = transactionText(compiling, below);
          return (
            writer &&
            (({ message: { transaction }, cursors }) => writer(transaction && { transaction, cursors }))
          );
        }
        case 'changes': {
          const writer = changeText(compiling, table, below);
          return writer && listOf(writer, ({ message }: StreamedMessage) => message.changes);
        }
        case 'related': {
          const writer = relatedText(compiling, table, below);
          return writer && (({ message }) => writer(message.related));
        }
        default:
          return null;
      }
    },
  );
}

/** A transaction and the codec that names it. */
interface StreamedTransaction {
  readonly transaction: TransactionInfo;
  readonly cursors: CursorCodec;
}

function transactionText(compiling: RowWriterContext, selection: SelectionSets) {
  const writer = objectText<StreamedTransaction>(compiling, 'ChangeTransaction', selection, (name) => {
    switch (name) {
      case 'xid':
        return ({ transaction, cursors }) => JSON.stringify(cursors.nameTransaction(transaction.xid));
      case 'loggedAt':
        return ({ transaction }) => JSON.stringify(transaction.loggedAt);
      case 'mutationId':
        return ({ transaction }) => JSON.stringify(transaction.mutationId);
      default:
        return null;
    }
  });
  return writer && nullable(writer);
}

function changeText(
  compiling: RowWriterContext,
  table: ModelTable,
  selection: SelectionSets,
): TextWriter<ScopeChange> | null {
  const type = `${table.typeName}Change`;
  return objectText<ScopeChange>(compiling, type, selection, (name, _key, below) => {
    switch (name) {
      case 'kind':
        return ({ kind }) => JSON.stringify(kind);
      case 'op':
        return ({ op }) => JSON.stringify(op);
      case 'key':
        return ({ key }) => JSON.stringify(key);
      case 'node': {
        const row = rowText(compiling, table, below);
        if (!row) return null;
        const writer = nullable(row);
        return ({ node }) => writer(node);
      }
      case 'previous': {
        const image = imageText(compiling, table, below);
        if (!image) return null;
        const writer = nullable(image);
        return ({ previous }) => writer(previous);
      }
      case 'changedColumns': {
        const writer = leafText(fieldType(compiling.info.schema, type, name));
        return ({ changedColumns }) => writer(changedColumns);
      }
      default:
        return null;
    }
  });
}

function imageText(compiling: RowWriterContext, table: ModelTable, selection: SelectionSets) {
  const type = `${table.typeName}Image`;
  return objectText<NonNullable<ScopeChange['previous']>>(compiling, type, selection, (name) => {
    const column = table.findField(name);
    return column ? columnText(compiling, table, column, type) : null;
  });
}

function relatedText(
  compiling: RowWriterContext,
  table: ModelTable,
  selection: SelectionSets,
): TextWriter<RelatedMessages> | null {
  const type = `${table.typeName}Related`;
  return objectText<RelatedMessages>(compiling, type, selection, (name, responseKey, below) => {
    const relation = table.findRelation(name);
    const writer = relation && scopeText(compiling, compiling.model.table(relation.target), below);
    return writer ? (related) => writer(related.get(responseKey) ?? NOTHING_RELATED_HERE) : null;
  });
}

function scopeText(
  compiling: RowWriterContext,
  table: ModelTable,
  selection: SelectionSets,
): TextWriter<RelatedMessage> | null {
  return objectText<RelatedMessage>(compiling, `${table.typeName}Scope`, selection, (name, _key, below) => {
    switch (name) {
      case 'changes': {
        const writer = changeText(compiling, table, below);
        return writer && listOf(writer, ({ changes }: RelatedMessage) => changes);
      }
      case 'links': {
        const writer = linkText(compiling, below);
        return writer && listOf(writer, ({ links }: RelatedMessage) => links);
      }
      case 'related': {
        const writer = relatedText(compiling, table, below);
        return writer && (({ related }) => writer(related));
      }
      default:
        return null;
    }
  });
}

function linkText(compiling: RowWriterContext, selection: SelectionSets): TextWriter<Link> | null {
  return objectText<Link>(compiling, 'Link', selection, (name) => {
    if (name !== 'kind' && name !== 'parent' && name !== 'child') return null;
    return (link) => JSON.stringify(link[name]);
  });
}

function listOf<T, Each>(writer: TextWriter<Each>, values: (of: T) => readonly Each[]): TextWriter<T> {
  const list = listText(writer);
  return (of) => list(values(of));
}
