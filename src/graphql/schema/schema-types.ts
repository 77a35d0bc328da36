import type { Model } from '../../../shared/model/types.js';
import type { SchemaExposure } from '../../policy/schema-exposure.js';
import type { QueryLimits } from './query-limits.js';
import type { TypeRegistry } from './type-registry.js';

/** The inputs of every part of a schema. One for each schema. */
export interface SchemaTypes {
  readonly model: Model;
  readonly exposure: SchemaExposure;
  readonly limits: QueryLimits;
  readonly registry: TypeRegistry;
}

/** The same with the limits of a context, if it has some of its own. */
export function typesWithin(
  types: SchemaTypes,
  { limits }: { readonly limits?: QueryLimits | undefined },
): SchemaTypes {
  return limits === undefined ? types : { ...types, limits };
}
