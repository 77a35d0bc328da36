import type { ColumnType, Model, ModelTable } from '../../shared/model/types.js';
import { derivedTypeNames, isGraphQLName, reservedTypeNames } from './graphql-names.js';
import type { SchemaProblems } from './schema-problems.js';

/** Property names that mean something else in a filter or a row's type. */
const RESERVED_PROPERTIES = new Set(['AND', 'OR', 'NOT', 'RAW', 'nodeId']);

const RESERVED_FIELDS = new Set(['node', 'nodes']);

/** Finds names that clash with each other or cannot be GraphQL names. */
export function checkModel(model: Model, problems: SchemaProblems): void {
  checkTypeNames(model, problems);
  checkFieldNames(model, problems);
  for (const table of model.tables) checkProperties(table, problems);
}

function checkTypeNames(model: Model, problems: SchemaProblems): void {
  const owners = new Map<string, string>(
    reservedTypeNames().map((name) => [name, 'GraphQL or Rivulet itself']),
  );
  for (const table of model.tables) {
    if (!isGraphQLName(table.typeName)) {
      problems.add(
        'SCHEMA_INVALID_NAME',
        table.name,
        `\`${table.typeName}\` cannot be the name of a GraphQL type`,
      );
      continue;
    }
    const names = derivedTypeNames(table.typeName);
    const taken = names.find((name) => owners.has(name));
    if (taken === undefined) for (const name of names) owners.set(name, `table ${table.name}`);
    else {
      const message = `type \`${taken}\` is already used by ${owners.get(taken)}`;
      problems.add('SCHEMA_NAME_CLASH', table.name, message);
    }
  }
  const enums = new Map<string, string>();
  for (const table of model.tables) {
    for (const column of table.columns) {
      const type = itemType(column.type);
      if (type.kind !== 'enum') continue;
      const place = `${table.name}.${column.name}`;
      const sqlName = `${type.sqlSchema}.${type.sqlName}`;
      const known = enums.get(type.name);
      if (known === sqlName) continue;
      const owner = known ? `enum ${known}` : owners.get(type.name);
      if (owner)
        problems.add('SCHEMA_NAME_CLASH', place, `type \`${type.name}\` is already used by ${owner}`);
      else if (!isGraphQLName(type.name)) {
        problems.add(
          'SCHEMA_INVALID_NAME',
          place,
          `the enum's name \`${type.sqlName}\` gives no GraphQL type name`,
        );
      } else enums.set(type.name, sqlName);
    }
  }
}

function checkFieldNames(model: Model, problems: SchemaProblems): void {
  const owners = new Map<string, ModelTable>();
  for (const table of model.tables) {
    const { one, many } = table.fields;
    const fields = new Set([one, many, `${one}Changes`, `${many}Connection`]);
    for (const field of fields) {
      if (RESERVED_FIELDS.has(field)) {
        problems.add('SCHEMA_NAME_CLASH', table.name, `root field \`${field}\` belongs to Rivulet`);
      }
      const owner = owners.get(field);
      if (owner !== undefined && owner.typeName !== table.typeName) {
        problems.add(
          'SCHEMA_NAME_CLASH',
          table.name,
          `root field \`${field}\` is already used by table ${owner.name}`,
        );
        break;
      }
    }
    for (const field of fields) owners.set(field, table);
  }
}

function checkProperties(table: ModelTable, problems: SchemaProblems): void {
  const properties = [...table.columns.map((c) => c.name), ...table.relations.map((r) => r.name)];
  for (const name of properties) {
    const place = `${table.name}.${name}`;
    if (!isGraphQLName(name)) problems.add('SCHEMA_INVALID_NAME', place, `\`${name}\` is no GraphQL name`);
    if (RESERVED_PROPERTIES.has(name))
      problems.add('SCHEMA_NAME_CLASH', place, `\`${name}\` has a meaning of its own`);
  }
  if (table.findRelation('id')) {
    problems.add('SCHEMA_NAME_CLASH', `${table.name}.id`, 'caches take `id` for the key of the row');
  }
}

function itemType(type: ColumnType): ColumnType {
  return type.kind === 'array' ? itemType(type.of) : type;
}
