import { describeConfig } from '../server/engine/describe-config.js';
import { loadConfig } from './load-config.js';

export interface SchemaCommandOptions {
  readonly config?: string;
  readonly manifest?: boolean;
}

/** Prints the schema in GraphQL's schema language, or the manifest as JSON; needs no database. */
export async function schema(options: SchemaCommandOptions): Promise<void> {
  const { config } = await loadConfig(options.config);
  const description = describeConfig(config);
  console.log(options.manifest ? JSON.stringify(description.manifest, null, 2) : description.schema);
}
