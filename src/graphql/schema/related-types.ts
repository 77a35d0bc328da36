import {
  type GraphQLFieldConfigArgumentMap,
  type GraphQLFieldConfigMap,
  GraphQLID,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
} from 'graphql';
import type { ModelRelation, ModelTable } from '../../../shared/model/types.js';
import type { Link } from '../../../shared/protocol/messages.js';
import type { RelatedMessage, RelatedMessages } from '../../scope/messages/types.js';
import { changeKindType, changeType } from './change-types.js';
import type { FieldContext } from './field-context.js';
import { filterType } from './filter-types.js';
import type { SchemaTypes } from './schema-types.js';

/**
 * `TaskRelated`: the relations that a change stream can follow from its rows. Selected relations
 * are watched. `undefined` if the table has no relation.
 */
export function relatedType(
  types: SchemaTypes,
  table: ModelTable,
): GraphQLObjectType<RelatedMessages, FieldContext> | undefined {
  const relations = types.exposure.relations(table);
  if (relations.length === 0) return undefined;
  return types.registry.once(`${table.typeName}Related`, `relations of ${table.name}`, () => {
    return new GraphQLObjectType<RelatedMessages, FieldContext>({
      name: `${table.typeName}Related`,
      description:
        'Select a relation to watch its rows too. Related rows enter and leave with the rows that you watch.',
      fields: () => {
        const fields: GraphQLFieldConfigMap<RelatedMessages, FieldContext> = {};
        for (const relation of relations) {
          fields[relation.name] = {
            type: new GraphQLNonNull(scopeType(types, types.model.table(relation.target))),
            args: relatedArguments(types, relation),
            resolve: (related, _args, _context, info) =>
              related.get(String(info.path.key)) ?? NOTHING_RELATED_HERE,
          };
        }
        return fields;
      },
    });
  });
}

/** A `one` relation has nothing to narrow. */
function relatedArguments(types: SchemaTypes, relation: ModelRelation): GraphQLFieldConfigArgumentMap {
  if (relation.kind === 'one') return {};
  return { where: { type: filterType(types, types.model.table(relation.target)) } };
}

/** Changes of a relation in which nothing happened. */
export const NOTHING_RELATED_HERE: RelatedMessage = { changes: [], links: [], related: new Map() };

/** `CommentScope`: what one transaction did to the related rows. */
function scopeType(types: SchemaTypes, table: ModelTable): GraphQLObjectType<RelatedMessage, FieldContext> {
  return types.registry.once(`${table.typeName}Scope`, `scopes of ${table.name}`, () => {
    return new GraphQLObjectType<RelatedMessage, FieldContext>({
      name: `${table.typeName}Scope`,
      fields: () => {
        const related = relatedType(types, table);
        return {
          changes: {
            type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(changeType(types, table)))),
          },
          links: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(linkType(types)))) },
          ...(related ? { related: { type: new GraphQLNonNull(related) } } : {}),
        };
      },
    });
  });
}

function linkType(types: SchemaTypes): GraphQLObjectType<Link, FieldContext> {
  return types.registry.once('Link', 'links', () => {
    return new GraphQLObjectType<Link, FieldContext>({
      name: 'Link',
      description: 'The relation between two rows. ENTER when it begins, LEAVE when it ends.',
      fields: {
        kind: { type: new GraphQLNonNull(changeKindType(types)) },
        parent: { type: new GraphQLNonNull(GraphQLID), description: 'The `id` of the parent row.' },
        child: { type: new GraphQLNonNull(GraphQLID), description: 'The `id` of the related row.' },
      },
    });
  });
}
