import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { portOf } from '../server/engine/settings.js';
import { describeError } from './print.js';

/**
 * Exit codes: 0 done; 1 failed, or found what is wrong; 2 a command line that cannot be understood.
 */
const FAILED = 1;
const MISUSED = 2;

/**
 * Runs one command line and sets `process.exitCode`; never throws. The process ends when nothing
 * keeps it: `dev` and `start` run until they are told to stop.
 */
export async function run(argv: readonly string[]): Promise<void> {
  try {
    await program().parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : MISUSED;
      return;
    }
    process.exitCode = FAILED;
    console.error(describeError(error));
  }
}

function program(): Command {
  const rivulet = new Command('rivulet')
    .description('A Drizzle schema becomes a live GraphQL API on PostgreSQL.')
    .version(version())
    .exitOverride()
    .showHelpAfterError();

  // Settings are inherited by the commands made after them.
  const command = (name: string, description: string): Command =>
    rivulet
      .command(name)
      .description(description)
      .option('-c, --config <path>', 'configuration file (default: rivulet.config.ts in this folder)');
  const serving = (made: Command): Command =>
    made
      .option('-p, --port <number>', 'port to listen on (default: PORT, or 4000; 0: any that is free)', port)
      .option('--host <name>', 'address to listen on (default: HOST, or 127.0.0.1)');

  serving(command('dev', 'Start everything for development: database, migrations, seed, server, GraphiQL.'))
    .addHelpText(
      'after',
      '\nWithout DATABASE_URL it brings a PostgreSQL of its own, kept under .rivulet/ beside the configuration.\n' +
        'Ctrl-C lets running requests end (10 seconds at most) and stops the database; a second Ctrl-C ends at once.',
    )
    .action(async (options) => (await import('./dev.js')).dev(options));

  serving(command('start', 'Start the server on the database of DATABASE_URL.'))
    .addHelpText(
      'after',
      '\nNeeds DATABASE_URL, and JWT_SECRET or JWKS_URL. Applies no migrations: run `rivulet migrate` before it.\n' +
        'Refuses to start where the watchers in the database are not those that the schema declares.',
    )
    .action(async (options) => (await import('./start.js')).start(options));

  command('generate', "Write the watchers' SQL as a migration beside drizzle-kit's.")
    .option('--check', 'write nothing; fail if the migration is missing or no longer matches the schema')
    .addOption(
      new Option(
        '--squash',
        "write one migration in place of the watchers' migrations after drizzle-kit's last one",
      ).conflicts('check'),
    )
    .addHelpText(
      'after',
      '\nRun it after `drizzle-kit generate`, and whenever tables or policies come or go.',
    )
    .action(async (options) => (await import('./generate.js')).generate(options));

  command('migrate', 'Apply the migrations, and repair watchers that were changed by hand.')
    .option('--prune', 'also remove what earlier watchers left behind')
    .addHelpText('after', '\nTwo at once are safe: the second waits for the first.')
    .action(async (options) => (await import('./migrate.js')).migrate(options));

  command('doctor', 'Compare what is installed in the database with what the schema declares.')
    .addHelpText('after', '\nExits with 1 if something differs, and prints the command that repairs it.')
    .action(async (options) => (await import('./doctor.js')).doctor(options));

  command('schema', 'Print the GraphQL schema that clients see.')
    .option('--manifest', 'print the manifest instead: what the client plugins must know, as JSON')
    .action(async (options) => (await import('./schema.js')).schema(options));

  command('token', 'Print a bearer token for a user, signed with JWT_SECRET or the secret of `rivulet dev`.')
    .argument('<user id>', 'becomes the claim `sub`')
    .option('-e, --expires <duration>', 'how long it is good: 30s, 15m, 12h, 7d', duration, 12 * 3600)
    .action(async (userId, options) => (await import('./token.js')).token(userId, options));

  command('sql', 'Run SQL on the database of DATABASE_URL, or of the `rivulet dev` that runs in this folder.')
    .argument('<statement>', 'one or more statements, in quotes')
    .action(async (statement, options) => (await import('./sql.js')).sql(statement, options));

  return rivulet;
}

function port(text: string): number {
  try {
    return portOf(text) ?? 0;
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

function duration(text: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text);
  if (match === null) throw new InvalidArgumentError('write it as 30s, 15m, 12h or 7d');
  return Number(match[1]) * SECONDS[match[2]!]!;
}

function version(): string {
  // The same from src/cli and from dist/src/cli: the package's root is found by its package.json.
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const { version } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8'));
      if (typeof version === 'string') return version;
    } catch {}
  }
  return 'unknown';
}
