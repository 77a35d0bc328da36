import type { DocumentNode } from 'graphql';
import { loadConfig } from '../cli/load-config.js';
import { describeConfig } from '../server/engine/describe-config.js';
import { trustedDocuments } from './trusted-documents.js';

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
  /**
   * The output: the manifest, or the documents of the application for `trustedDocuments` of the
   * server's configuration. Default: the manifest.
   */
  readonly output?: 'manifest' | 'trusted-documents';
}

/**
 * A plugin of GraphQL Code Generator that writes the manifest, which the client plugins read:
 *
 * ```ts
 * generates: { 'src/generated/manifest.json': { plugins: ['rivulet/codegen'] } }
 * ```
 *
 * And one that writes the documents of the application, with what the client plugins derive of them:
 *
 * ```ts
 * 'trusted-documents.json': { plugins: [{ 'rivulet/codegen': { output: 'trusted-documents' } }] }
 * ```
 */
export async function plugin(
  _schema: unknown,
  documents: readonly { readonly document?: DocumentNode | undefined }[],
  options: RivuletPluginConfig,
): Promise<string> {
  const { config } = await loadConfig(options.config);
  const { manifest } = describeConfig(config);
  if (options.output !== 'trusted-documents') return `${JSON.stringify(manifest, null, 2)}\n`;
  const parsed = documents.flatMap(({ document }) => document ?? []);
  return `${JSON.stringify(trustedDocuments(manifest, parsed), null, 2)}\n`;
}
