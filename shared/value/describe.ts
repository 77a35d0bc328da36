import type { ColumnType } from '../model/types.js';

/** The type's name for people: `bigint`, `timestamp with time zone`, `integer[]`. */
export function describeType(type: ColumnType): string {
  switch (type.kind) {
    case 'int':
      return { 16: 'smallint', 32: 'integer', 64: 'bigint' }[type.bits];
    case 'float':
      return type.bits === 32 ? 'real' : 'double precision';
    case 'bool':
      return 'boolean';
    case 'text':
      return type.variant;
    case 'time':
    case 'timestamp':
      return type.zone ? `${type.kind} with time zone` : type.kind;
    case 'json':
      return type.binary ? 'jsonb' : 'json';
    case 'enum':
      return type.name;
    case 'inet':
      return type.variant;
    case 'array':
      return `${describeType(type.of)}${'[]'.repeat(type.dimensions)}`;
    case 'other':
      return type.sqlType;
    case 'numeric':
    case 'uuid':
    case 'date':
    case 'interval':
    case 'bytea':
    case 'point':
      return type.kind;
  }
}
