import type { TargetApi } from './target-api.js';

/** A process that answers queries over HTTP, and is measured. */
export interface QueryTargetApi extends Pick<TargetApi, 'usage' | 'startProfile' | 'stopProfile'> {
  /** Resolves to the address that is POSTed to. */
  serve(options: { readonly databaseUrl: string }): Promise<string>;
}

export const CONNECTIONS = 10;
