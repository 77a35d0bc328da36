import { type ChildProcess, spawn } from 'node:child_process';
import type { RivuletConfig } from '../../../src/index.js';
import { startProxy, type TcpProxy } from '../proxy.js';
import { waitFor } from '../wait-for.js';

/** All nodes share it, and so do the tokens. */
export const FAULT_SECRET = 'a secret of the fault tests, long enough for HS256';

export interface NodeOptions {
  /** The program that `buildNode` made. */
  readonly program: string;
  readonly databaseUrl: string;
  /** What of the example's configuration is otherwise. */
  readonly config?: Partial<RivuletConfig>;
  readonly env?: Readonly<Record<string, string>>;
  /** Before the program: `['--max-old-space-size=100']`. */
  readonly nodeArguments?: readonly string[];
}

/** One line of a node's log. */
export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [detail: string]: unknown;
}

const STARTS_WITHIN_MS = 60_000;

/**
 * A server node: a process of its own between two proxies, one that its clients come through and one to the database. It is killed and
 * started again at the same address.
 */
export class ServedNode {
  readonly #options: NodeOptions;
  #child: ChildProcess | null = null;
  #stray = '';
  #logged: LogLine[] = [];
  /** What clients come through. */
  readonly front: TcpProxy;
  /** The way to the database. */
  readonly back: TcpProxy;
  /** Of the process itself, past the proxy. */
  directUrl = '';
  metricsUrl = '';
  starts = 0;

  private constructor(options: NodeOptions, front: TcpProxy, back: TcpProxy) {
    this.#options = options;
    this.front = front;
    this.back = back;
  }

  /** Not yet started. */
  static async make(options: NodeOptions): Promise<ServedNode> {
    const front = await startProxy('http://127.0.0.1:1/graphql');
    front.refuse();
    return new ServedNode(options, front, await startProxy(options.databaseUrl));
  }

  /** `http://127.0.0.1:12345/graphql`, through the proxy. */
  get url(): string {
    return this.front.url;
  }

  get pid(): number {
    if (this.#child?.pid === undefined || !this.isRunning)
      throw new Error(`the node is not running: ${this.#said()}`);
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What it logged since it was last started. */
  get logged(): readonly LogLine[] {
    return this.#logged;
  }

  /** What it said besides its log, all starts together: Node's warnings, a crash. */
  get stray(): string {
    return this.#stray;
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const { program, config, env, nodeArguments = [] } = this.#options;
    const { DATABASE_URL: _database, PORT: _port, ...inherited } = process.env;
    const child = spawn(process.execPath, [...nodeArguments, program], {
      stdio: ['ignore', 'inherit', 'pipe'],
      env: {
        ...inherited,
        NODE_ENV: 'production',
        LOG_LEVEL: 'info',
        DATABASE_URL: this.back.url,
        JWT_SECRET: FAULT_SECRET,
        PORT: '0',
        METRICS_PORT: '0',
        FAULT_CONFIG: JSON.stringify(config ?? {}),
        ...env,
      },
    });
    this.#child = child;
    this.#logged = [];
    this.starts++;
    readLines(child.stderr!, (line) => {
      const parsed = asLogLine(line);
      if (parsed) this.#logged.push(parsed);
      else this.#stray += `${line}\n`;
    });
    const listens = waitFor('the node listens', () => this.#urlLogged('listening'), STARTS_WITHIN_MS);
    const ends = new Promise<never>((_, reject) => {
      child.once('exit', () => reject(new Error(`the node ended: ${this.#said()}`)));
    });
    this.directUrl = await Promise.race([listens, ends]);
    // Whoever ends it later does not want to hear of this.
    ends.catch(() => {});
    listens.catch(() => {});
    this.metricsUrl = this.#urlLogged('figures are served') ?? '';
    this.front.aim(this.directUrl);
    this.front.resume();
  }

  /** Resolves when the process is gone. */
  async end(signal: NodeJS.Signals): Promise<{ readonly code: number | null }> {
    const child = this.#child;
    if (child === null || !this.isRunning) return { code: child?.exitCode ?? null };
    const gone = new Promise<{ readonly code: number | null }>((resolve) => {
      child.once('exit', (code) => resolve({ code }));
    });
    child.kill(signal);
    const ended = await gone;
    this.front.refuse();
    return ended;
  }

  /** SIGSTOP and SIGCONT. */
  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name);
  }

  /** A figure of its `/metrics`; all labels that have `label` in them together. `null`: none, or no answer. */
  async figure(name: string, label = ''): Promise<number | null> {
    const text = await fetch(this.metricsUrl).then(
      (response) => response.text(),
      () => '',
    );
    const lines = text
      .split('\n')
      .filter((line) => new RegExp(`^${name}[ {]`).test(line) && line.includes(label));
    return lines.length === 0 ? null : lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }

  async close(): Promise<void> {
    if (this.isRunning) {
      this.signal('SIGCONT');
      await this.end('SIGKILL');
    }
    await Promise.all([this.front.close(), this.back.close()]);
  }

  #said(): string {
    return this.#stray.slice(-2_000) || JSON.stringify(this.#logged.at(-1));
  }

  #urlLogged(message: string): string | undefined {
    const line = this.#logged.find(({ msg }) => msg === message);
    return typeof line?.url === 'string' ? line.url : undefined;
  }
}

function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.on('data', (chunk) => {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop()!;
    for (const line of lines) onLine(line);
  });
}

function asLogLine(line: string): LogLine | null {
  try {
    return line.startsWith('{') ? (JSON.parse(line) as LogLine) : null;
  } catch {
    return null;
  }
}
