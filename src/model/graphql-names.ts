import { camelize, pluralize, singularize } from 'inflection';

/**
 * Names that a GraphQL schema made from a model already uses, or that users would expect to be
 * free.
 */
const RESERVED_TYPES = [
  'Query',
  'Mutation',
  'Subscription',
  'Node',
  'PageInfo',
  'Link',
  'ChangeKind',
  'ChangeOp',
  'ChangeTransaction',
  'ResetReason',
  'OrderDirection',
  'ID',
  'Int',
  'Float',
  'String',
  'Boolean',
];

/** Suffixes of the types that are generated for each table. */
const TYPE_SUFFIXES = [
  'Filter',
  'Order',
  'Insert',
  'Set',
  'Column',
  'Image',
  'Change',
  'Changes',
  'Related',
  'Scope',
  'Connection',
  'Edge',
];

/**
 * `task_status`, `task status`, `taskStatus` → `TaskStatus`; what is no letter or digit separates
 * words.
 */
export function pascalCase(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  return words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
}

/** Names that replace derived ones. */
export type NameOverrides = {
  readonly [Name in keyof GraphQLTableNames]?: GraphQLTableNames[Name] | undefined;
};

export interface GraphQLTableNames {
  readonly type: string;
  readonly one: string;
  readonly many: string;
}

/**
 * The GraphQL names of a table: `taskLabels` → type `TaskLabel`, fields `taskLabel` and
 * `taskLabels`. If singular and plural are the same word (`news`), the list field gets the suffix
 * `List`.
 */
export function tableNames(name: string, override: NameOverrides = {}): GraphQLTableNames {
  const clean = pascalCase(name);
  const type = override.type ?? singularize(clean);
  const one = override.one ?? camelize(type, true);
  let many = override.many ?? camelize(pluralize(type), true);
  if (many === one) many = `${one}List`;
  return { type, one, many };
}

/**
 * The GraphQL name of a column `id` that is not the whole key, distinct from the table's other
 * names.
 */
export function idColumnField(taken: readonly string[]): string {
  let name = 'idColumn';
  while (taken.includes(name)) name += '_';
  return name;
}

/**
 * GraphQL specification, section 2.1.9: a name; names that begin with two underscores belong to
 * introspection.
 */
export function isGraphQLName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !name.startsWith('__');
}

/** Every type name that the schema will use because of a table. */
export function derivedTypeNames(type: string): readonly string[] {
  return [type, ...TYPE_SUFFIXES.map((suffix) => type + suffix)];
}

export function reservedTypeNames(): readonly string[] {
  return RESERVED_TYPES;
}
