import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { PagesConfig } from '../../engine/config.js';

const gzipped = promisify(gzip);

/**
 * Files by the path of their request; whatever is not in it does not exist, so no path can lead out
 * of the folder.
 */
export interface StaticPages {
  readonly size: number;
  /** Answers the request and returns true, or returns false where no file is at this path. */
  serve(path: string, request: IncomingMessage, response: ServerResponse): boolean;
}

interface StaticPage {
  readonly type: string;
  readonly cacheControl: string;
  readonly etag: string;
  readonly body: Buffer;
  /** The compressed body, if it is shorter. */
  readonly gzip: Buffer | null;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

/** A name that changes with the content, as bundlers write it: `index-BxK3_a9Z.js`. */
const HASHED = /\/assets\/[^/]+-[\w-]{8,}\.\w+$/;

/**
 * Reads a folder of built pages; an absent folder has none. Hidden files and links are left out.
 */
export async function readPages({ folder }: PagesConfig): Promise<StaticPages> {
  const root = typeof folder === 'string' ? folder : fileURLToPath(folder);
  const pages = new Map<string, StaticPage>();
  await read(root, '', pages);
  const index = pages.get('/index.html');
  if (index) pages.set('/', index);
  return {
    size: pages.size,
    serve(path, request, response) {
      const page = pages.get(decoded(path));
      if (page === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) return false;
      answer(page, request, response);
      return true;
    },
  };
}

async function read(root: string, path: string, pages: Map<string, StaticPage>): Promise<void> {
  for (const entry of await entriesOf(join(root, path))) {
    if (entry.name.startsWith('.')) continue;
    const inner = `${path}/${entry.name}`;
    if (entry.isDirectory()) await read(root, inner, pages);
    else if (entry.isFile()) pages.set(inner, await pageOf(inner, await readFile(join(root, inner))));
  }
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function pageOf(path: string, body: Buffer): Promise<StaticPage> {
  const shorter = await gzipped(body);
  return {
    type: TYPES[extname(path).toLowerCase()] ?? 'application/octet-stream',
    cacheControl: HASHED.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
    etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
    body,
    gzip: shorter.length < body.length * 0.9 ? shorter : null,
  };
}

function answer(page: StaticPage, request: IncomingMessage, response: ServerResponse): void {
  const headers = {
    'content-type': page.type,
    'cache-control': page.cacheControl,
    etag: page.etag,
    vary: 'accept-encoding',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
  };
  if (namesTag(request.headers['if-none-match'], page.etag)) {
    response.writeHead(304, headers).end();
    return;
  }
  const zip = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? '')) ? page.gzip : null;
  const body = zip ?? page.body;
  response.writeHead(200, {
    ...headers,
    ...(zip !== null && { 'content-encoding': 'gzip' }),
    'content-length': body.length,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function namesTag(header: string | undefined, etag: string): boolean {
  return header?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag) ?? false;
}

/** A path that is no UTF-8 names nothing. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}
