import type { Model } from '../model/types.js';
import type { Exposure } from '../policy/exposure.js';
import type { RivuletContext } from './context.js';
import type { Limits } from './limits.js';
import type { TypeRegistry } from './registry.js';

/** What every part of the schema is made from. One for each schema. */
export interface SchemaTypes {
  readonly model: Model;
  readonly exposure: Exposure;
  readonly limits: Limits;
  readonly registry: TypeRegistry;
}

/** The same with the limits of a context, if it has some of its own. */
export function typesWithin(types: SchemaTypes, { limits }: Pick<RivuletContext, 'limits'>): SchemaTypes {
  return limits === undefined ? types : { ...types, limits };
}
