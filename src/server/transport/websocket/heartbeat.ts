/** Sockets are pinged in turns, so that not all of them are at once. */
const TURNS = 12;

export interface PingedSocket {
  /** The turn in which the socket is pinged. */
  readonly turn: number;
  ping(): void;
  /** Called in every turn. */
  watch(): void;
}

/** Pings each of many every so often, with one timer for all. */
export class SocketHeartbeat {
  readonly #all: () => Iterable<PingedSocket>;
  readonly #timer: NodeJS.Timeout;
  #turn = 0;

  constructor(all: () => Iterable<PingedSocket>, everyMs: number) {
    this.#all = all;
    this.#timer = setInterval(() => this.#beat(), everyMs / TURNS).unref();
  }

  /** For one that comes now: it is pinged first when about the whole time has passed. */
  get turn(): number {
    return this.#turn;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    this.#turn = (this.#turn + 1) % TURNS;
    for (const each of this.#all()) {
      each.watch();
      if (each.turn === this.#turn) each.ping();
    }
  }
}
