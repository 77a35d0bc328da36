import type { IncomingHttpHeaders } from 'node:http';

/**
 * Returns true if a request may be served to the page that sent it.
 *
 * Allowed: no `Origin` at all (not a browser, or its own page's GET), the server's own origin, and
 * those of the configuration, compared whole. `null` and whatever is not an origin are refused. A
 * request that brings cookies but no `Origin` is refused on an upgrade: a browser sends `Origin`
 * with every upgrade.
 */
export function isAllowedOrigin(
  headers: Pick<IncomingHttpHeaders, 'origin' | 'host' | 'cookie'>,
  origins: readonly string[],
  kind: 'request' | 'upgrade',
): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return kind === 'request' || headers.cookie === undefined;
  if (origins.includes(origin)) return true;
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`);
}

/**
 * True for `localhost`, `127.0.0.1` and `[::1]`, with or without a port: names that no foreign page
 * can be served under.
 */
export function isLoopbackHost(host: string | undefined | null): boolean {
  return host !== undefined && host !== null && /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i.test(host);
}
