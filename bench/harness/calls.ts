import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Functions of one argument that one process offers to the one that started it. */
export type Api = object;
type Argument<F> = F extends (argument: infer A) => unknown ? A : never;
type Answer<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never;

interface Call {
  readonly number: number;
  readonly name: string;
  readonly argument: unknown;
}

type Reply =
  | { readonly number: number; readonly answer: unknown }
  | { readonly number: number; readonly error: string };

/** A process of the benchmark. It ends when told to, and by itself when the one that started it is gone. */
export class Child<A extends Api> {
  readonly #process: ChildProcess;
  readonly #open = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  #number = 0;

  /** `module`: of the compiled benchmark, relative to its folder `bench`. It calls `answerCalls`. */
  constructor(module: string) {
    const file = fileURLToPath(new URL(`../${module}`, import.meta.url));
    this.#process = fork(file, [], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: ['--enable-source-maps', '--max-old-space-size=4096', '--expose-gc'],
    });
    this.#process.on('message', (reply: Reply) => {
      const waiting = this.#open.get(reply.number);
      this.#open.delete(reply.number);
      if ('error' in reply) waiting?.reject(new Error(`${module}: ${reply.error}`));
      else waiting?.resolve(reply.answer);
    });
    this.#process.once('exit', (code, signal) => {
      for (const { reject } of this.#open.values()) reject(new Error(`${module} ended (${code ?? signal})`));
      this.#open.clear();
    });
  }

  call<K extends keyof A & string>(name: K, argument: Argument<A[K]>): Promise<Answer<A[K]>> {
    const number = ++this.#number;
    const call: Call = { number, name, argument };
    return new Promise((resolve, reject) => {
      if (!this.#process.connected) return reject(new Error(`the process is gone: ${name}`));
      this.#open.set(number, { resolve: resolve as (answer: unknown) => void, reject });
      this.#process.send(call);
    });
  }

  /** Twice is fine. Waits for it to end; after 5 seconds it is killed. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.connected) child.disconnect();
    const kill = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(kill);
  }
}

/** Serves calls until the starter is gone; then calls `close`, and ends. */
export function answerCalls<A extends Api>(api: A, close: () => Promise<void>): void {
  // Ctrl-C reaches every process of the terminal; the one that started this one decides.
  process.on('SIGINT', () => {});
  process.on('message', (call: Call) => {
    const run = api[call.name as keyof A] as (argument: unknown) => unknown;
    Promise.resolve()
      .then(() => run(call.argument))
      .then(
        (answer) => reply({ number: call.number, answer }),
        (error: unknown) =>
          reply({ number: call.number, error: error instanceof Error ? error.stack! : String(error) }),
      );
  });
  process.once('disconnect', () => {
    setTimeout(() => process.exit(0), 3_000).unref();
    void close().finally(() => process.exit(0));
  });
}

function reply(message: Reply): void {
  if (process.connected) process.send!(message);
}
