import type { Model } from '../model/types.js';
import type { Exposure } from '../policy/exposure.js';
import type { Limits } from './limits.js';
import type { TypeRegistry } from './registry.js';

/** What every part of the schema is made from. One for each schema. */
export interface SchemaTypes {
  readonly model: Model;
  readonly exposure: Exposure;
  readonly limits: Limits;
  readonly registry: TypeRegistry;
}
