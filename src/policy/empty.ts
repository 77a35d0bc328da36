import type { Model, ModelTable } from '../model/types.js';

/**
 * The place in a policy's filter where a condition was left empty (`{}`, `OR: []`), if there is one.
 *
 * For clients an empty condition is none, as in Drizzle. In a policy it would show every row where a list that was to name some
 * came out empty (`OR: teams.map(…)`), so there it is refused; who means every row says `true`.
 */
export function emptyPart(model: Model, table: ModelTable, filter: unknown, path = ''): string | undefined {
  if (typeof filter !== 'object' || filter === null) return undefined;
  const entries = Object.entries(filter);
  if (entries.length === 0) return path === '' ? '{}' : path;
  for (const [name, value] of entries) {
    const found = emptyEntry(model, table, name, value, path === '' ? name : `${path}.${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function emptyEntry(
  model: Model,
  table: ModelTable,
  name: string,
  value: unknown,
  path: string,
): string | undefined {
  if (name === 'NOT') return emptyPart(model, table, value, path);
  if (name === 'OR' || name === 'AND') {
    if (!Array.isArray(value)) return undefined;
    if (value.length === 0) return path;
    const found = value.map((part: unknown, index) => emptyPart(model, table, part, `${path}[${index}]`));
    return found.find((place) => place !== undefined);
  }
  const relation = table.findRelation(name);
  if (relation) return emptyPart(model, model.table(relation.target), value, path);
  const isJson = table.findColumn(name)?.type.kind === 'json';
  return !isJson && isEmptyObject(value) ? path : undefined;
}

function isEmptyObject(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.keys(value).length === 0
  );
}
