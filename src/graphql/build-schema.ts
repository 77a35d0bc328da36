import { type GraphQLFieldConfigMap, GraphQLObjectType, GraphQLSchema, validateSchema } from 'graphql';
import { RivuletError } from '../../shared/errors.js';
import type { Model } from '../../shared/model/types.js';
import { checkPolicies } from '../policy/check.js';
import type { Policies } from '../policy/rules.js';
import { exposureOf } from '../policy/schema-exposure.js';
import type { RivuletContext } from './execute/context.js';
import { mutationFields } from './execute/mutation-fields.js';
import { queryFields } from './execute/query-fields.js';
import { DEFAULT_LIMITS, type QueryLimits } from './schema/query-limits.js';
import { rowType } from './schema/row-type.js';
import type { SchemaTypes } from './schema/schema-types.js';
import { TypeRegistry } from './schema/type-registry.js';

export interface SchemaOptions {
  readonly model: Model;
  /** Without policies every table is shown; only for tools that print a schema. */
  readonly policies?: Policies;
  readonly limits?: Partial<QueryLimits>;
  readonly subscriptionFields?: (types: SchemaTypes) => GraphQLFieldConfigMap<unknown, RivuletContext>;
}

/**
 * The GraphQL schema of a model: only what its policies expose. Execute it with a `RivuletContext`.
 * Throws `POLICY_INVALID`,and `SCHEMA_NAME_CLASH` if two things would get one type name.
 */
export function buildSchema(options: SchemaOptions): GraphQLSchema {
  const { model, policies } = options;
  if (policies) checkPolicies(model, policies);
  const types: SchemaTypes = {
    model,
    exposure: exposureOf(model, policies),
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    registry: new TypeRegistry(),
  };
  const schema = new GraphQLSchema({
    query: new GraphQLObjectType({ name: 'Query', fields: queryFields(types) }),
    mutation: rootType('Mutation', mutationFields(types)),
    subscription: rootType('Subscription', options.subscriptionFields?.(types) ?? {}),
    types: types.exposure.tables.map((table) => rowType(types, table)),
  });
  const [error] = validateSchema(schema);
  if (error) throw new RivuletError('SCHEMA_INVALID', error.message, {}, error);
  return schema;
}

function rootType(
  name: string,
  fields: GraphQLFieldConfigMap<unknown, RivuletContext>,
): GraphQLObjectType | undefined {
  return Object.keys(fields).length === 0 ? undefined : new GraphQLObjectType({ name, fields });
}
