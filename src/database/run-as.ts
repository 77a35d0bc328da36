import { execFile } from 'node:child_process';
import { chown, readFile } from 'node:fs/promises';
import { RivuletError } from '../../shared/errors.js';

/** The user that runs a program. PostgreSQL refuses to run as root. */
export interface RunAs {
  /** False: it runs as the user of this process. */
  readonly isOther: boolean;
  /** Resolves to the program's output; rejects with its error, which has the output too. */
  run(program: string, args: readonly string[]): Promise<string>;
  /** Gives a file or folder to that user. */
  own(path: string): Promise<void>;
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/**
 * This process's user; for root, the user `postgres`, or `nobody` where there is none (no user is
 * added to the machine). Where that user cannot get at `paths`, because a folder above them is
 * private (/root, a temporary folder), it runs with the capability of passing through (`setpriv`,
 * Linux); rejects with EMBEDDED_ACCESS where that is not to be had.
 */
export async function userToRunAs(paths: readonly string[]): Promise<RunAs> {
  if (process.getuid?.() !== 0) {
    return { isOther: false, run: (program, args) => execute(program, args), own: async () => {} };
  }
  const user = await findUser();
  const own = (path: string): Promise<void> => chown(path, user.uid, user.gid);
  const plain: RunAs = { isOther: true, run: (program, args) => execute(program, args, user), own };
  const capable: RunAs = {
    isOther: true,
    run: (program, args) => execute('setpriv', withPassage(user, program, args)),
    own,
  };
  for (const runAs of [plain, capable]) {
    const reached = await Promise.all(
      paths.map((path) =>
        runAs.run('ls', ['-d', path]).then(
          () => true,
          () => false,
        ),
      ),
    );
    if (reached.every(Boolean)) return runAs;
  }
  throw new RivuletError(
    'EMBEDDED_ACCESS',
    `The user that PostgreSQL would run as cannot get at ${paths.join(' or ')}.`,
    {
      paths,
    },
  );
}

function withPassage({ uid, gid }: User, program: string, args: readonly string[]): string[] {
  const capability = '+dac_override';
  const user = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  return [...user, `--inh-caps=${capability}`, `--ambient-caps=${capability}`, '--', program, ...args];
}

async function findUser(): Promise<User> {
  const users = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n');
  for (const name of ['postgres', 'nobody']) {
    const fields = users.find((line) => line.startsWith(`${name}:`))?.split(':');
    if (fields) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new RivuletError('EMBEDDED_ACCESS', 'This machine has neither a user `postgres` nor `nobody`.');
}

function execute(program: string, args: readonly string[], user?: User): Promise<string> {
  // Its messages are matched and shown: they must not follow the machine's language.
  const env = { ...process.env, LC_ALL: 'C', LC_MESSAGES: 'C' };
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { ...user, env, cwd: '/' }, (error, stdout, stderr) =>
      error ? reject(Object.assign(error, { output: `${stdout}${stderr}` })) : resolve(stdout),
    );
    child.stdin?.end();
  });
}
