import { RivuletError } from '../../shared/errors.js';
import { signToken } from '../server/auth/token-verifier.js';
import { resolveSettings } from '../server/engine/settings.js';
import { StateFolder } from './dev-state.js';
import { loadConfig } from './load-config.js';

/**
 * Prints a token and nothing else, so that it can be used in a command: `curl -H "Authorization:
 * Bearer $(…)"`.
 */
export async function token(
  userId: string,
  options: { readonly config?: string; readonly expires: number },
): Promise<void> {
  const { config, folder } = await loadConfig(options.config);
  const { auth } = resolveSettings(config, process.env, 'development');
  if (auth.jwks !== undefined && auth.secret === undefined) {
    throw new RivuletError('AUTH_NOT_CONFIGURED', 'the owner of the key set makes tokens, not this command');
  }
  const secret = auth.secret ?? (await new StateFolder(folder).secret());
  console.log(await signToken(secret, userId, options.expires));
}
