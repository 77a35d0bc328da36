import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { waitFor } from './wait-for.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A running `rivulet …`, from the build, as a user runs it. */
export class Command {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  /** Set when the process has ended and all it printed is here. */
  ended: { readonly code: number | null; readonly signal: NodeJS.Signals | null } | undefined;

  constructor(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>) {
    const { DATABASE_URL: _database, JWT_SECRET: _secret, PORT: _port, ...inherited } = process.env;
    this.child = spawn(process.execPath, [join(ROOT, 'bin/rivulet.js'), ...args], {
      cwd,
      env: { ...inherited, ...env },
    });
    this.child.stdout?.on('data', (chunk) => {
      this.stdout += String(chunk);
    });
    this.child.stderr?.on('data', (chunk) => {
      this.stderr += String(chunk);
    });
    this.child.on('close', (code, signal) => {
      this.ended = { code, signal };
    });
  }

  /** Resolves when the text was printed; rejects when the process ended without it. */
  async printed(text: string | RegExp): Promise<RegExpExecArray> {
    const pattern = typeof text === 'string' ? new RegExp(escaped(text)) : text;
    return waitFor(
      `${pattern} is printed`,
      () => {
        const found = pattern.exec(this.stdout);
        if (found === null && this.ended !== undefined) throw new Error(`it ended: ${this.stderr}`);
        return found;
      },
      45_000,
    );
  }

  async exit(): Promise<number | null> {
    return (await waitFor('the process ends', () => this.ended, 45_000)).code;
  }

  async interrupt(): Promise<number | null> {
    this.child.kill('SIGINT');
    return this.exit();
  }
}

export interface Project {
  readonly folder: string;
  /** Starts `rivulet …` in the folder; what still runs at the end of the file is told to stop. */
  rivulet(args: readonly string[], env?: Readonly<Record<string, string>>): Command;
  /** Runs it to its end. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Command>;
}

/** A folder of its own with a configuration; by default the example's. Deleted at the end of the file. */
export async function createProject(config: string = EXAMPLE_CONFIG): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'rivulet-project-'));
  // The embedded database of a root process runs as another user, who has to get at its folder.
  await chmod(folder, 0o755);
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'rivulet.config.ts'), config);
  const commands: Command[] = [];
  const rivulet: Project['rivulet'] = (args, env = {}) => {
    const command = new Command(args, folder, env);
    commands.push(command);
    return command;
  };
  afterAll(async () => {
    for (const command of commands) if (command.ended === undefined) await command.interrupt();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);
  return {
    folder,
    rivulet,
    run: async (args, env) => {
      const command = rivulet(args, env);
      await command.exit();
      return command;
    },
  };
}

const EXAMPLE_CONFIG = `
import config from ${JSON.stringify(join(ROOT, 'rivulet.config.ts'))};
export default { ...config, database: { migrations: ${JSON.stringify(join(ROOT, 'drizzle'))} } };
`;

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
