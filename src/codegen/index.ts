import { loadConfig } from '../cli/load-config.js';
import { describeConfig } from '../server/description.js';

/**
 * The schema that a configuration serves, in GraphQL's schema language: for `schema` of a GraphQL Code Generator
 * configuration, so that neither a server nor a database has to run.
 *
 * ```ts
 * const config: CodegenConfig = { schema: await rivuletSchema(), … };
 * ```
 *
 * @param configPath default: rivulet.config.ts in the working directory
 */
export async function rivuletSchema(configPath?: string): Promise<string> {
  const { config } = await loadConfig(configPath);
  return describeConfig(config).schema;
}

export interface RivuletPluginConfig {
  /** The configuration file. Default: rivulet.config.ts in the working directory. */
  readonly config?: string;
}

/**
 * A plugin of GraphQL Code Generator that writes the manifest, which the client plugins read:
 *
 * ```ts
 * generates: { 'src/generated/manifest.json': { plugins: ['rivulet/codegen'] } }
 * ```
 */
export async function plugin(
  _schema: unknown,
  _documents: unknown,
  options: RivuletPluginConfig,
): Promise<string> {
  const { config } = await loadConfig(options.config);
  return `${JSON.stringify(describeConfig(config).manifest, null, 2)}\n`;
}
