import type { Model, ModelColumn, ModelTable } from '../../../shared/model/types.js';
import type { TextField, TextShape } from '../../query/text.js';
import { quoteLiteral } from '../../sql/quote.js';
import { fieldsOf, type SelectionInfo, type SelectionSets, selectionOf } from '../plan/selection.js';
import { enumNames } from '../schema/enum-names.js';
import { isId } from '../schema/type-registry.js';

/**
 * The shape by which Postgres writes a row and its related rows as `rowText` would; `null` if it
 * cannot.
 */
export function rowShape(
  info: SelectionInfo,
  model: Model,
  table: ModelTable,
  selection: SelectionSets,
): TextShape | null {
  const shape: TextField[] = [];
  for (const [responseKey, nodes] of fieldsOf(info, table.typeName, selection)) {
    const name = nodes[0]!.name.value;
    const column = table.findField(name) ?? (name === 'id' && table.key.length === 1 ? table.key[0] : null);
    const relation = column ? undefined : table.findRelation(name);
    if (name === '__typename') {
      shape.push({ kind: 'constant', responseKey, json: JSON.stringify(table.typeName) });
    } else if (column) {
      const json = columnJson(column);
      if (!json) return null;
      shape.push({ kind: 'column', responseKey, column, json });
    } else if (relation) {
      const below = rowShape(info, model, model.table(relation.target), selectionOf(nodes));
      if (!below) return null;
      shape.push({ kind: 'related', responseKey, shape: below });
    } else return null;
  }
  return shape.length === 0 ? null : shape;
}

type ToJson = (value: string) => string;

/**
 * Unescaped values are cast to the declared type, which costs nothing: if the column now has
 * another type, its text could be anything. Types whose values need more checks than SQL easily
 * does are left out.
 */
function columnJson(column: ModelColumn): ToJson | null {
  const { type, castType } = column;
  const plain: ToJson = (value) => `${value}::${castType}::text`;
  const quoted: ToJson = (value) => `'"' || ${plain(value)} || '"'`;
  switch (type.kind) {
    case 'int': {
      // An operator that other types do not have: the cast would round a number that has become
      // another one's.
      const whole: ToJson = (value) => plain(`(${value} | 0)`);
      return isId(column) || type.bits === 64 ? (value) => `'"' || ${whole(value)} || '"'` : whole;
    }
    case 'numeric':
    case 'date':
      return quoted;
    case 'uuid':
      return isId(column) ? quoted : null;
    case 'text':
      return type.variant === 'char' ? null : escapedText;
    case 'time':
    case 'interval':
    case 'other':
      return escapedText;
    case 'bool':
      return isId(column) ? quoted : plain;
    case 'timestamp':
      return isId(column) ? quoted : (value) => timestampJson(plain(value), value, castType, type.zone);
    case 'enum': {
      if (isId(column)) return escapedText;
      const names = enumNames(type.values);
      const cases = type.values.map(
        (label, at) => `when ${quoteLiteral(label)} then ${quoteLiteral(JSON.stringify(names[at]))}`,
      );
      return (value) => `case ${value}::text ${cases.join(' ')} end`;
    }
    case 'float':
    case 'json':
    case 'bytea':
    case 'inet':
    case 'point':
    case 'array':
      return null;
  }
}

const escapedText: ToJson = (value) => `to_json(${value}::text)::text`;

/** As `decodeValue` has it: infinities and years before the first stay as Postgres writes them. */
function timestampJson(text: string, value: string, castType: string, zone: boolean): string {
  const iso = `replace(${text}, ' ', 'T')`;
  const shown = zone ? `replace(${iso}, '+00', 'Z')` : iso;
  const isPlain = `isfinite(${value}::${castType}) and ${value}::${castType} >= '0001-01-01'::${castType}`;
  return `'"' || case when ${isPlain} then ${shown} else ${text} end || '"'`;
}
