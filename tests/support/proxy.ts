import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy, for faults on the wire. */
export interface TcpProxy {
  /** The target's address, by way of the proxy. */
  readonly url: string;
  /** Connections through it. */
  readonly connections: number;
  /** Connections that were made through it so far. */
  readonly accepted: number;
  /** From now on new connections lead there. */
  aim(url: string): void;
  /** Resets every connection that is open (or a part of them, 0 to 1), as a failing network does. */
  reset(part?: number): void;
  /** From now on new connections are reset at once, until `resume`. */
  refuse(): void;
  /** From now on accepts and forwards nothing, in either direction, until `resume`; what was held back is then forwarded. */
  stall(): void;
  /** Forwards nothing on the connections that are there now; new ones work. They stay so until `resume`. */
  stallOpen(): void;
  resume(): void;
  /** What the target says goes through this first; `null`: through nothing. Messages of connections that are open, too. */
  meddle(with_: Meddler | null): void;
  /** The same for what is said to the target. */
  meddleRequests(with_: Meddler | null): void;
  close(): Promise<void>;
}

export type DatabaseProxy = TcpProxy;

/** Given a part of what one side sends, decides what arrives of it, and when; `cut` resets the connection. */
export type Meddler = (bytes: Buffer, cut: () => void) => Buffer | Promise<Buffer>;

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'ws:': 80, 'https:': 443 };

/** Starts a proxy on 127.0.0.1 in front of the server of `url`; of PostgreSQL's where the address names no port. */
export async function startProxy(url: string): Promise<TcpProxy> {
  let target = new URL(url);
  const links = new Set<Link>();
  let accepted = 0;
  let stalled = false;
  let refusing = false;
  let answers: Meddler | null = null;
  let requests: Meddler | null = null;
  const server = createServer({ pauseOnConnect: true }, (near) => {
    accepted++;
    if (refusing) {
      near.resetAndDestroy();
      return;
    }
    const port = Number(target.port || (DEFAULT_PORTS[target.protocol] ?? 5432));
    const far = connect(port, target.hostname);
    const link = new Link(near, far, { answers: () => answers, requests: () => requests });
    links.add(link);
    if (stalled) link.stall();
    for (const socket of [near, far]) {
      socket.once('close', () => {
        if (near.closed && far.closed) links.delete(link);
      });
    }
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
    get accepted() {
      return accepted;
    },
    aim: (to) => {
      target = new URL(to);
    },
    reset: (part = 1) => {
      const doomed = Math.ceil(links.size * part);
      for (const link of [...links].slice(0, doomed)) link.reset();
    },
    refuse: () => {
      refusing = true;
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
      refusing = false;
      for (const link of links) link.resume();
    },
    meddle: (with_) => {
      answers = with_;
    },
    meddleRequests: (with_) => {
      requests = with_;
    },
    close: () => {
      for (const link of links) link.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface Meddlers {
  readonly answers: () => Meddler | null;
  readonly requests: () => Meddler | null;
}

/** One connection: a lane each way. While it is stalled, not even the end of one side gets to the other. */
class Link {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #lanes: readonly Lane[];
  #isHeld = false;

  constructor(near: Socket, far: Socket, meddlers: Meddlers) {
    this.#near = near;
    this.#far = far;
    const cut = (): void => this.reset();
    this.#lanes = [new Lane(near, far, meddlers.requests, cut), new Lane(far, near, meddlers.answers, cut)];
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
    }
    near.once('close', () => this.#endTogether());
    far.once('close', () => this.#endTogether());
  }

  stall(): void {
    this.#isHeld = true;
    for (const lane of this.#lanes) lane.hold(true);
  }

  resume(): void {
    this.#isHeld = false;
    for (const lane of this.#lanes) lane.hold(false);
    if (this.#near.destroyed || this.#far.destroyed) this.destroy();
  }

  reset(): void {
    this.#near.resetAndDestroy();
    this.#far.resetAndDestroy();
  }

  destroy(): void {
    this.#near.destroy();
    this.#far.destroy();
  }

  /** A socket that is paused still learns that its peer has reset it; the other side must not. */
  #endTogether(): void {
    if (!this.#isHeld) this.destroy();
  }
}

/** Forwards what `from` says to `to`, no faster than that reads, one meddled part at a time. */
class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #waiting = { held: false, full: false, meddled: false };
  #hasEnded = false;

  constructor(from: Socket, to: Socket, meddler: () => Meddler | null, cut: () => void) {
    this.#from = from;
    this.#to = to;
    from.on('data', (bytes: Buffer) => {
      const meddle = meddler();
      if (!meddle) return this.#forward(bytes);
      this.#wait('meddled', true);
      Promise.resolve(meddle(bytes, cut)).then((result) => {
        this.#forward(result);
        this.#wait('meddled', false);
      }, cut);
    });
    // Also said of a socket that is paused, where nothing came before it.
    from.on('end', () => {
      this.#hasEnded = true;
      this.#flow();
    });
    to.on('drain', () => this.#wait('full', false));
    this.#flow();
  }

  hold(on: boolean): void {
    this.#wait('held', on);
  }

  #forward(bytes: Buffer): void {
    if (bytes.length === 0 || this.#to.destroyed) return;
    if (!this.#to.write(bytes)) this.#wait('full', true);
  }

  #wait(why: 'held' | 'full' | 'meddled', on: boolean): void {
    this.#waiting[why] = on;
    this.#flow();
  }

  #flow(): void {
    const { held, full, meddled } = this.#waiting;
    if (held || full || meddled) this.#from.pause();
    else if (this.#hasEnded) this.#to.end();
    else this.#from.resume();
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
