import { printSchema } from 'graphql';
import { buildSchema } from '../graphql/schema.js';
import { subscriptionFields } from '../graphql/subscriptions.js';
import { readModel } from '../model/read.js';
import { loadConfig } from './load-config.js';

/** Prints the schema in GraphQL's schema language; needs no database. */
export async function schema(options: { readonly config?: string }): Promise<void> {
  const { config } = await loadConfig(options.config);
  const model = readModel(config.relations, { names: config.names });
  console.log(printSchema(buildSchema({ model, policies: config.policies, subscriptionFields })));
}
