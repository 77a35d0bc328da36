import type { Model, ModelTable } from '../../shared/model/types.js';

/** What is asked of a table's rows: a filter, an order, and what hangs from them. */
export interface Asked {
  readonly where?: string;
  readonly orderBy?: string;
  readonly with?: Readonly<Record<string, Asked>>;
}

/** `{ tasks(where: …) { id title … comments(…) { … } } }`, every column included. */
export function queryDocument(model: Model, table: ModelTable, asked: Asked): string {
  return `{ ${table.fields.many}${args([where(asked), order(asked), 'limit: 1000'])} ${rows(model, table, asked)} }`;
}

/** The change stream of the same rows, with the same relations below. */
export function streamDocument(model: Model, table: ModelTable, asked: Asked): string {
  const changes = `changes { kind op key changedColumns previous { ${columns(table, false)} } node { __typename ${columns(table)} } }`;
  const filter = asked.where === undefined ? '' : `where: ${asked.where}, `;
  const field = `${table.fields.one}Changes(${filter}after: $after)`;
  return `subscription ($after: String) { ${field} { cursor reset ${changes} ${related(model, table, asked)} } }`;
}

function related(model: Model, table: ModelTable, asked: Asked): string {
  const scopes = below(model, table, asked).map(([name, target, inner]) => {
    const changes = `changes { kind op key changedColumns previous { ${columns(target, false)} } node { __typename ${columns(target)} } }`;
    return `${name}${args([where(inner)])} { ${changes} links { kind parent child } ${related(model, target, inner)} }`;
  });
  return scopes.length === 0 ? '' : `related { ${scopes.join(' ')} }`;
}

function rows(model: Model, table: ModelTable, asked: Asked): string {
  const inner = below(model, table, asked).map(([name, target, each]) => {
    const isMany = table.findRelation(name)!.kind === 'many';
    return `${name}${isMany ? args([where(each), order(each), 'limit: 1000']) : ''} ${rows(model, target, each)}`;
  });
  return `{ __typename ${columns(table)} ${inner.join(' ')} }`;
}

function below(model: Model, table: ModelTable, asked: Asked): [string, ModelTable, Asked][] {
  return Object.entries(asked.with ?? {}).map(([name, inner]) => [
    name,
    model.table(table.findRelation(name)!.target),
    inner,
  ]);
}

function columns(table: ModelTable, withId = true): string {
  const names = table.columns.map((column) => column.name).filter((name) => name !== 'id');
  return [...(withId ? ['id'] : []), ...names].join(' ');
}

const where = ({ where: filter }: Asked) => (filter === undefined ? null : `where: ${filter}`);
const order = ({ orderBy }: Asked) => (orderBy === undefined ? null : `orderBy: ${orderBy}`);

function args(parts: readonly (string | null)[]): string {
  const given = parts.filter((part) => part !== null);
  return given.length === 0 ? '' : `(${given.join(', ')})`;
}
