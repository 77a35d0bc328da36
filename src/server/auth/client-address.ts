import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { ServerLogger } from '../engine/logger.js';

type Addressed = Pick<IncomingMessage, 'headers' | 'socket'>;

/** Headers that a proxy adds, and that a client of this very machine has no reason to send. */
const FORWARDING_HEADERS = ['forwarded', 'via', 'x-forwarded-for', 'x-real-ip'];
const FORWARDING_PREFIX = 'x-forwarded-';

/** The address of a client that no proxy names: all of them share one. */
const UNKNOWN = 'unknown';

/**
 * Client addresses by the configured number of proxies; warns once when that number cannot be
 * right.
 */
export class ClientAddresses {
  readonly #trustedProxies: number;
  readonly #logger: ServerLogger;
  #hasWarned = false;

  constructor(trustedProxies: number, logger: ServerLogger) {
    this.#trustedProxies = trustedProxies;
    this.#logger = logger;
  }

  /** As `addressOf`. */
  of(request: Addressed): string | null {
    const isDirect = isDirectLoopback(request);
    if (this.#trustedProxies === 0 && !this.#hasWarned && !isDirect && isLoopback(request)) {
      this.#hasWarned = true;
      this.#logger.warn(
        { setting: 'server.trustedProxies' },
        'a proxy on this machine forwards requests, but `server.trustedProxies` is 0: all its clients count as one address; set it to the number of proxies',
      );
    }
    return isDirect ? null : addressOf(request, this.#trustedProxies);
  }
}

/**
 * The address of a request, as far as limits are concerned: an IPv4 address, or the /64 network of
 * an IPv6 address, which is what one customer has. `null`: a client on this very machine, without a
 * proxy between, which is not limited by its address.
 *
 * `trustedProxies` proxies stand before the server, each of which appends the address of its peer
 * to `X-Forwarded-For`; the entry of the outermost one counts, from the right end, since a client
 * writes the left one. An entry that is no address counts as one address for all. With 0 the header
 * is whatever the client wrote, and is not read. `Forwarded` is never read.
 */
export function addressOf(request: Addressed, trustedProxies: number): string | null {
  const peer = networkOf(request.socket.remoteAddress ?? '');
  if (trustedProxies > 0) {
    const header = request.headers['x-forwarded-for'];
    const entries = String(header ?? '').split(',');
    if (header !== undefined) {
      const entry = entries.at(-Math.min(trustedProxies, entries.length)) ?? '';
      return networkOf(addressIn(entry)) ?? UNKNOWN;
    }
  }
  return isDirectLoopback(request) ? null : (peer ?? UNKNOWN);
}

/** True for a client on this machine that no proxy stands before, as far as its headers say. */
export function isDirectLoopback(request: Addressed): boolean {
  return isLoopback(request) && !isForwarded(request.headers);
}

function isLoopback({ socket }: Addressed): boolean {
  const address = networkOf(socket.remoteAddress ?? '');
  return address !== null && (address.startsWith('127.') || address === LOOPBACK_NETWORK);
}

function isForwarded(headers: IncomingHttpHeaders): boolean {
  if (FORWARDING_HEADERS.some((name) => headers[name] !== undefined)) return true;
  for (const name in headers) if (name.startsWith(FORWARDING_PREFIX)) return true;
  return false;
}

/**
 * The address in an entry of `X-Forwarded-For`, without a port, brackets, quotes and zone; empty
 * for what is none.
 */
function addressIn(entry: string): string {
  const text = entry.trim().replace(/^"(.*)"$/, '$1');
  const withPort = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(text) ?? /^([\d.]+):\d{1,5}$/.exec(text);
  return withPort?.[1] ?? text;
}

/** `::1`, the only address of IPv6 that means this machine, has a network of its own. */
const LOOPBACK_NETWORK = '::1';

/** The key of an address, the same for every way to write it; `null` for what is no address. */
function networkOf(address: string): string | null {
  const plain = address.replace(/%.*$/, '');
  if (isIP(plain) === 4) return plain;
  if (isIP(plain) !== 6) return null;
  const groups = groupsOf(plain);
  const [, , , , , sixth, high = 0, low = 0] = groups;
  if (groups.slice(0, 5).every((group) => group === 0)) {
    // An address of IPv4, written as one of IPv6.
    if (sixth === 0xffff) return [high >> 8, high & 255, low >> 8, low & 255].join('.');
    if (sixth === 0 && high === 0 && low === 1) return LOOPBACK_NETWORK;
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/** The eight groups of an address of IPv6. */
function groupsOf(address: string): readonly number[] {
  // A URL's host is written in one way only, without an address of IPv4 in it.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16));
}
