import { isPlainObject } from '../../shared/filter/parse-state.js';
import type { Model, ModelRelation, ModelTable } from '../../shared/model/types.js';
import type { AccessRights } from '../policy/types.js';
import { invalidOption, unknownOption } from './errors.js';

/** A relation that nodes carry and that is followed. */
export interface FollowedRelation {
  readonly relation: ModelRelation;
  /** Not yet parsed; `undefined`: no condition. */
  readonly where: unknown;
  /** The path of the filter in error messages. */
  readonly path: string;
  readonly below: readonly FollowedRelation[];
}

/**
 * Reads `with`: `{ comments: true }`, `{ comments: { author: true } }` or `{ comments: { where: { …
 * }, with: { author: true } } }`. Throws `CHANGES_UNKNOWN_RELATION` or `CHANGES_INVALID`; for
 * `rights` a relation to a table without a policy does not exist.
 */
export function parseWith(
  model: Model,
  rights: AccessRights | null,
  table: ModelTable,
  input: unknown,
  path = 'with',
): readonly FollowedRelation[] {
  if (input === undefined) return [];
  if (!isPlainObject(input)) throw invalidOption(`${path} must be an object of relations.`, { path });
  return Object.entries(input).flatMap(([name, value]) => {
    if (value === undefined || value === false) return [];
    return [followed(model, rights, table, name, value, `${path}.${name}`)];
  });
}

function followed(
  model: Model,
  rights: AccessRights | null,
  table: ModelTable,
  name: string,
  value: unknown,
  path: string,
): FollowedRelation {
  const known = table.relations.filter(({ target }) => rights?.isExposed(model.table(target)) ?? true);
  const relation = known.find((each) => each.name === name);
  if (!relation) {
    const names = known.map((each) => each.name);
    const what = `${path}: ${table.name} has no relation ${name}`;
    throw unknownOption('CHANGES_UNKNOWN_RELATION', what, names, { table: table.name, relation: name, path });
  }
  const target = model.table(relation.target);
  if (value === true) return { relation, where: undefined, path: `${path}.where`, below: [] };
  if (!isPlainObject(value)) throw invalidOption(`${path} must be true or an object.`, { path });
  const isWrittenOut = Object.hasOwn(value, 'where') || Object.hasOwn(value, 'with');
  if (!isWrittenOut) {
    return { relation, where: undefined, path, below: parseWith(model, rights, target, value, path) };
  }
  const other = Object.keys(value).find((key) => key !== 'where' && key !== 'with');
  if (other !== undefined) {
    throw invalidOption(`${path}: beside \`where\` and \`with\`, relations stand in \`with\`: ${other}.`, {
      path,
    });
  }
  return {
    relation,
    where: value.where,
    path: `${path}.where`,
    below: parseWith(model, rights, target, value.with, `${path}.with`),
  };
}
