import { isNonNullType } from 'graphql';
import type { RowCells } from '../../../shared/filter/types.js';
import type { Model, ModelColumn, ModelTable } from '../../../shared/model/types.js';
import type { RowNode } from '../../query/types.js';
import type { SelectionSets } from '../plan/selection.js';
import { encodeNodeId } from '../schema/node-id.js';
import { columnValue } from '../schema/row-type.js';
import { isId } from '../schema/type-registry.js';
import {
  fieldType,
  leafText,
  listText,
  NeedsExecution,
  nullable,
  objectText,
  type TextWriter,
  type WriterContext,
} from './object-text.js';

/**
 * The inputs of row writers. `columns` collects the columns that a reader must be allowed to read.
 */
export interface RowWriterContext extends WriterContext {
  readonly model: Model;
  readonly columns: Map<ModelColumn, ModelTable>;
}

/** `Task`: a row and what hangs from it. */
export function rowText(
  compiling: RowWriterContext,
  table: ModelTable,
  selection: SelectionSets,
): TextWriter<RowNode> | null {
  return objectText<RowNode>(compiling, table.typeName, selection, (name, responseKey, below) => {
    const column = table.findField(name);
    if (column) {
      const writer = columnText(compiling, table, column, table.typeName);
      return ({ cells }) => writer(cells);
    }
    const relation = table.findRelation(name);
    if (relation) {
      const target = rowText(compiling, compiling.model.table(relation.target), below);
      return target && relatedText(responseKey, relation.kind, target);
    }
    if (name === 'id') return ({ key }) => JSON.stringify(key);
    if (name === 'nodeId') return ({ key }) => JSON.stringify(encodeNodeId(table, key));
    return null;
  });
}

function relatedText(
  responseKey: string,
  kind: 'one' | 'many',
  target: TextWriter<RowNode>,
): TextWriter<RowNode> {
  const [one, many] = [nullable(target), listText(target)];
  return ({ related }) => {
    const found = related.get(responseKey);
    if (found === undefined || (kind === 'one') !== (found === null || 'key' in found)) {
      throw new NeedsExecution('read without what is selected');
    }
    return found === null || 'key' in found ? one(found) : many(found);
  };
}

/** A column of a row, or of its image: the same field in two types. */
export function columnText(
  { info, columns }: RowWriterContext,
  table: ModelTable,
  column: ModelColumn,
  typeName: string,
): TextWriter<RowCells> {
  columns.set(column, table);
  const { index } = column;
  const type = fieldType(info.schema, typeName, column.field);
  const isNullable = !isNonNullType(type);
  const filled = cellText(column) ?? valueText(column, leafText(type));
  return (cells) => {
    const cell = cells[index] ?? null;
    if (cell !== null) return filled(cell);
    if (isNullable) return 'null';
    throw new NeedsExecution(`${table.name}.${column.name} is null`);
  };
}

/** Writers of types whose cell text is nearly JSON. */
function cellText(column: ModelColumn): TextWriter<string> | null {
  const { type } = column;
  if (isId(column)) return JSON.stringify;
  if (type.kind === 'int' && type.bits !== 64) return plainInteger;
  if (type.kind === 'numeric' || (type.kind === 'text' && type.variant !== 'char')) return JSON.stringify;
  return null;
}

function plainInteger(cell: string): string {
  if (!/^-?\d{1,10}$/.test(cell)) throw new NeedsExecution('no integer');
  return cell;
}

function valueText(column: ModelColumn, writer: TextWriter<unknown>): TextWriter<string> {
  return (cell) => writer(columnValue(column, cell));
}
