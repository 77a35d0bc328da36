import { quoteIdent } from '../sql/quote.js';
import { Session, type SessionOptions } from './session.js';
import type { Logger } from './types.js';

const FIRST_DELAY_MS = 50;
const MAX_DELAY_MS = 5_000;

export interface ListenerOptions extends Omit<SessionOptions, 'onLost' | 'onNotify'> {
  readonly log?: Logger;
}

/**
 * LISTENs on a session of its own and makes a new one when it is lost, after 50 ms, doubling to 5 s while it fails.
 * `onListen` is called after every LISTEN; what was notified before it may have been lost.
 * Rejects when the first LISTEN fails. The returned function ends it; twice is fine.
 */
export async function listen(
  url: string,
  channel: string,
  onNotify: (payload: string) => void,
  onListen: () => void,
  options: ListenerOptions,
): Promise<() => Promise<void>> {
  let session: Session | null = null;
  let timer: NodeJS.Timeout | undefined;
  let isEnded = false;
  let delayMs = FIRST_DELAY_MS;

  const open = async (onLost: () => void): Promise<void> => {
    const opened = new Session(url, {
      ...options,
      onNotify: (from, payload) => from === channel && !isEnded && onNotify(payload),
      onLost,
    });
    session = opened;
    await opened.script(`listen ${quoteIdent(channel)}`);
    delayMs = FIRST_DELAY_MS;
    if (!isEnded) onListen();
  };
  const again = (): void => {
    if (isEnded) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      open(again).catch((error: unknown) => {
        options.log?.warn({ error: String(error), delayMs }, 'the LISTEN connection could not be opened');
        again();
      });
    }, delayMs);
    delayMs = Math.min(delayMs * 2, MAX_DELAY_MS);
  };

  let isFirst = true;
  await open(() => {
    if (!isFirst) again();
  });
  isFirst = false;
  if ((session as Session | null)?.lost) again();

  return async () => {
    isEnded = true;
    clearTimeout(timer);
    await session?.end().catch(() => {});
  };
}
