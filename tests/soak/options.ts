import { Command, InvalidArgumentError } from 'commander';
import { INJECTIONS } from './injections.js';

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly nodes: number;
  readonly writers: number;
  /** Between two transactions of one writer, on average. */
  readonly paceMs: number;
  readonly subscribers: number;
  /** After so long everybody is waited for and judged. */
  readonly roundSeconds: number;
  /** Between two faults, on average. */
  readonly faultEverySeconds: number;
  /** Names of `INJECTIONS`; all of them where it is empty. */
  readonly faults: readonly string[];
}

export const DEFAULTS: Omit<SoakOptions, 'seed'> = {
  minutes: 20,
  nodes: 2,
  writers: 4,
  paceMs: 300,
  subscribers: 200,
  roundSeconds: 60,
  faultEverySeconds: 4,
  faults: [],
};

/** `null` where only help was asked for. Throws commander's error on what cannot be understood. */
export function parseOptions(argv: readonly string[]): SoakOptions | null {
  const command = new Command('npm run soak --')
    .description(
      'Server nodes, writers and subscribers on a Postgres of their own, under faults that a seed decides; at the end, and after every round,\n' +
        'what each subscriber was told is compared with a ledger of what was committed. Exits with 1 where that finds anything.',
    )
    .option('--minutes <n>', 'how long', number, DEFAULTS.minutes)
    .option(
      '--seed <n>',
      'what decides the faults and the writes (default: a new one, which is printed)',
      number,
    )
    .option('--nodes <n>', 'server processes', number, DEFAULTS.nodes)
    .option(
      '--writers <n>',
      'writers of all tables; half as many more write to one table only',
      number,
      DEFAULTS.writers,
    )
    .option('--pace-ms <n>', 'between two transactions of a writer', number, DEFAULTS.paceMs)
    .option(
      '--subscribers <n>',
      'over WebSockets and event streams, of several users',
      number,
      DEFAULTS.subscribers,
    )
    .option(
      '--round-seconds <n>',
      'between two times at which everything is compared',
      number,
      DEFAULTS.roundSeconds,
    )
    .option('--fault-every-seconds <n>', 'between two faults', number, DEFAULTS.faultEverySeconds)
    .option('--faults <names>', 'only these, separated by commas', (text) => text.split(','), [])
    .addHelpText(
      'after',
      `\nFaults:\n${INJECTIONS.map(({ name, what }) => `  ${name.padEnd(24)}${what}`).join('\n')}`,
    )
    .exitOverride();
  command.parse([...argv], { from: 'user' });
  const options = command.opts<SoakOptions & { readonly seed?: number }>();
  const known = INJECTIONS.map(({ name }) => name);
  for (const name of options.faults) {
    if (!known.includes(name)) throw new InvalidArgumentError(`there is no fault ${name}`);
  }
  return { ...options, seed: options.seed ?? Math.floor(Math.random() * 2 ** 31) };
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0)) throw new InvalidArgumentError('not a number above 0');
  return value;
}
