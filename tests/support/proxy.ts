import { connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';

export interface DatabaseProxy {
  /** The database's address, by way of the proxy. */
  readonly url: string;
  /** Connections through it. */
  readonly connections: number;
  /** Resets every connection that is open, as a failing network does. */
  reset(): void;
  /** From now on accepts and forwards nothing, in either direction, until `resume`; what was held back is then forwarded. */
  stall(): void;
  /** Forwards nothing on the connections that are there now; new ones work. They stay so. */
  stallOpen(): void;
  resume(): void;
  /** What the server says goes through this first; `null`: through nothing. Messages of connections that are open, too. */
  meddle(with_: Meddler | null): void;
  close(): Promise<void>;
}

/** Given a part of what the server sends, decides what arrives of it; `cut` resets the connection. */
export type Meddler = (bytes: Buffer, cut: () => void) => Buffer | Promise<Buffer>;

/** A TCP proxy on 127.0.0.1 in front of the server of `url`, for faults on the wire. */
export async function startProxy(url: string): Promise<DatabaseProxy> {
  const target = new URL(url);
  const links = new Set<Link>();
  let stalled = false;
  let meddler: Meddler | null = null;
  const server = createServer((near) => {
    const far = connect(Number(target.port || 5432), target.hostname);
    const link = new Link(near, far, () => meddler);
    links.add(link);
    if (stalled) link.stall();
    near.once('close', () => links.delete(link));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const through = new URL(url);
  through.hostname = '127.0.0.1';
  through.port = String(typeof address === 'object' && address ? address.port : 0);
  return {
    url: through.href,
    get connections() {
      return links.size;
    },
    reset: () => {
      for (const link of links) link.reset();
    },
    stall: () => {
      stalled = true;
      for (const link of links) link.stall();
    },
    stallOpen: () => {
      for (const link of links) link.stall();
    },
    resume: () => {
      stalled = false;
      for (const link of links) link.resume();
    },
    meddle: (with_) => {
      meddler = with_;
    },
    close: () => {
      for (const link of links) link.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

class Link {
  readonly #near: Socket;
  readonly #far: Socket;

  constructor(near: Socket, far: Socket, meddler: () => Meddler | null) {
    this.#near = near;
    this.#far = far;
    for (const socket of [near, far]) socket.on('error', () => {});
    const meddling = new Transform({
      transform: (bytes: Buffer, _, done) => {
        const meddle = meddler();
        if (!meddle) return done(null, bytes);
        Promise.resolve(meddle(bytes, () => this.reset())).then(
          (result) => done(null, result),
          (error: Error) => done(error),
        );
      },
    });
    meddling.on('error', () => this.destroy());
    near.pipe(far);
    far.pipe(meddling).pipe(near);
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
  }

  stall(): void {
    this.#near.pause();
    this.#far.pause();
  }

  resume(): void {
    this.#near.resume();
    this.#far.resume();
  }

  reset(): void {
    this.#near.resetAndDestroy();
    this.#far.resetAndDestroy();
  }

  destroy(): void {
    this.#near.destroy();
    this.#far.destroy();
  }
}

/** Leaves out every NotificationResponse, as a pooler in transaction mode does. Only where messages come whole, as on loopback. */
export function withoutNotifications(bytes: Buffer): Buffer {
  const kept: Buffer[] = [];
  let at = 0;
  while (at + 5 <= bytes.length) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    if (bytes[at] !== 'A'.charCodeAt(0)) kept.push(bytes.subarray(at, end));
    at = end;
  }
  return Buffer.concat([...kept, bytes.subarray(at)]);
}
