import { printSchema } from 'graphql';
import type { Manifest } from '../../../shared/manifest/types.js';
import { buildSchema } from '../../graphql/build-schema.js';
import { subscriptionFields } from '../../graphql/execute/subscription-fields.js';
import { enumNames } from '../../graphql/schema/enum-names.js';
import { isId } from '../../graphql/schema/type-registry.js';
import { makeManifest } from '../../manifest/make.js';
import { readModel } from '../../model/read.js';
import { exposureOf } from '../../policy/schema-exposure.js';
import type { RivuletConfig } from './config.js';
import { resolveSettings } from './settings.js';

/**
 * Describes the schema that a configuration serves, for authors of clients: equal texts for equal
 * configurations.
 */
export interface ConfigDescription {
  /** In GraphQL's schema language. */
  readonly schema: string;
  readonly manifest: Manifest;
}

/** Needs no database and reads no environment. Throws what is wrong with the configuration. */
export function describeConfig(config: RivuletConfig): ConfigDescription {
  const { limits } = resolveSettings(config, {}, 'production');
  const model = readModel(config.relations, { names: config.names });
  const { policies } = config;
  const exposure = exposureOf(model, policies);
  return {
    schema: printSchema(buildSchema({ model, policies, limits, subscriptionFields })),
    manifest: makeManifest(model, exposure.has, { limits, enumNames, isId, columns: exposure.columns }),
  };
}
