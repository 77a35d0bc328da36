import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { type Command, createProject } from '../support/command.js';
import { createDatabase } from '../support/database.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const database = await createDatabase();
const empty = await createDatabase();
const env = { DATABASE_URL: database.url, JWT_SECRET: 'a secret of the tests, long enough for HS256' };
const project = await createProject(`
import config from ${JSON.stringify(join(ROOT, 'rivulet.config.ts'))};
export default config;
`);
await cp(join(ROOT, 'drizzle'), join(project.folder, 'drizzle'), { recursive: true });

const outcome = (command: Command) => [command.ended?.code, /error (\w+)/.exec(command.stderr)?.[1]];

test('every command explains itself', async () => {
  const all = await project.run(['--help']);
  for (const name of ['dev', 'start', 'generate', 'migrate', 'doctor', 'schema', 'token', 'sql']) {
    expect(all.stdout).toContain(`  ${name} `);
    const one = await project.run([name, '--help']);
    expect([one.ended?.code, one.stdout.includes('--config <path>')]).toEqual([0, true]);
  }
});

test.each([[['nonsense']], [['token']], [['dev', '--port', 'high']], [['token', '1', '--expires', 'soon']]])(
  'a command line that cannot be understood exits with 2: %s',
  async (args) => {
    expect((await project.run(args)).ended?.code).toBe(2);
  },
);

describe('the migrations, the watchers, and what compares them with the schema', () => {
  test('start and doctor say what is missing in an empty database', async () => {
    const start = await project.run(['start', '--port', '0'], env);
    expect(outcome(start)).toEqual([1, 'WATCHERS_DRIFTED']);
    expect(start.stderr).toContain('rivulet migrate');
    const doctor = await project.run(['doctor'], env);
    expect(doctor.ended?.code).toBe(1);
    expect(doctor.stdout).toContain('The table public.tasks does not exist');
  });

  test('migrate applies everything, also when two run at once', async () => {
    const both = await Promise.all([project.run(['migrate'], env), project.run(['migrate'], env)]);
    expect(both.map((command) => [command.ended?.code, command.stderr])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    const doctor = await project.run(['doctor'], env);
    expect(doctor.ended?.code).toBe(0);
    expect(doctor.stdout).toContain('all is well: 7 tables');
    expect(doctor.stdout).toMatch(
      /members\.role: clients set it by insert and update; read by .*tasks\.insert/,
    );
    expect(doctor.stdout).not.toContain('comments.authorId:');
  });

  test('doctor sees a trigger that was dropped and one that was disabled, and migrate mends both', async () => {
    const [row] = await database.query(
      `select tgname from pg_trigger where tgrelid = 'tasks'::regclass and not tgisinternal order by 1 limit 1`,
    );
    await database.script(`drop trigger "${row![0]}" on tasks; alter table labels disable trigger all`);
    const doctor = await project.run(['doctor'], env);
    expect(doctor.ended?.code).toBe(1);
    expect(doctor.stdout).toMatch(/on public\.tasks is missing/);
    expect(doctor.stdout).toMatch(/on public\.labels is disabled/);
    expect(outcome(await project.run(['start', '--port', '0'], env))).toEqual([1, 'WATCHERS_DRIFTED']);
    const migrate = await project.run(['migrate'], env);
    expect([migrate.ended?.code, migrate.stdout]).toEqual([0, expect.stringContaining('mended: ')]);
    expect((await project.run(['doctor'], env)).ended?.code).toBe(0);
  });

  test('what an earlier configuration watched is left over until migrate --prune', async () => {
    const fewer = `
      import config from ${JSON.stringify(join(ROOT, 'rivulet.config.ts'))};
      export default { ...config, watchers: [{ table: 'tasks' }] };`;
    await writeFile(join(project.folder, 'fewer.config.ts'), fewer);
    const doctor = await project.run(['doctor', '--config', 'fewer.config.ts'], env);
    expect(doctor.stdout).toContain('rivulet migrate --prune');
    const prune = await project.run(['migrate', '--prune', '--config', 'fewer.config.ts'], env);
    expect(prune.stdout).toContain('removed the trigger');
    expect((await project.run(['doctor', '--config', 'fewer.config.ts'], env)).ended?.code).toBe(0);
    expect((await project.run(['migrate'], env)).ended?.code).toBe(0);
  });

  test('generate writes nothing where the migrations are up to date, and after all others what differs, and only that', async () => {
    const same = await project.run(['generate', '--check']);
    expect([same.ended?.code, same.stdout]).toEqual([0, expect.stringContaining('up to date')]);
    await database.script('create table audit (id int primary key, note text)');
    const other = `
      import config from ${JSON.stringify(join(ROOT, 'rivulet.config.ts'))};
      export default { ...config, watchers: [{ table: { sqlName: 'audit', columns: ['note'], key: ['id'] } }, { table: 'users' }] };`;
    await writeFile(join(project.folder, 'other.config.ts'), other);
    const before = await readdir(join(project.folder, 'drizzle'));
    const options = ['--config', 'other.config.ts'];
    expect(outcome(await project.run(['generate', '--check', ...options]))).toEqual([1, 'WATCHERS_STALE']);
    const generated = await project.run(['generate', ...options]);
    expect(generated.ended?.code).toBe(0);
    const after = (await readdir(join(project.folder, 'drizzle'))).sort();
    expect(after).toHaveLength(before.length + 1);
    const written = await readFile(join(project.folder, 'drizzle', after.at(-1)!, 'migration.sql'), 'utf8');
    expect(written).toContain('"audit"');
    expect(written).not.toContain('"users"');
    expect(written).not.toContain('create table');
    expect((await project.run(['generate', '--check', ...options])).ended?.code).toBe(0);
  }, 60_000);

  test('what the parts were before goes after them, and all of it together is what the schema asks for', async () => {
    expect((await project.run(['generate'])).ended?.code).toBe(0);
    expect((await project.run(['generate', '--check'])).ended?.code).toBe(0);
    expect((await project.run(['migrate', '--prune'], env)).ended?.code).toBe(0);
    expect((await project.run(['doctor'], env)).ended?.code).toBe(0);
  }, 60_000);

  test('generate --squash leaves one watchers migration, which serves a database that had the others and an empty one', async () => {
    const migrations = async () => (await readdir(join(project.folder, 'drizzle'))).sort();
    const before = await migrations();
    expect(before.filter((name) => name.endsWith('_rivulet_watchers')).length).toBeGreaterThan(1);
    expect((await project.run(['generate', '--squash', '--check'])).ended?.code).toBe(2);
    expect(await migrations()).toEqual(before);

    const squashed = await project.run(['generate', '--squash']);
    expect([squashed.ended?.code, squashed.stdout]).toEqual([
      0,
      expect.stringContaining(`removed drizzle/${before.at(-1)}`),
    ]);
    const after = await migrations();
    expect(after).toEqual([...before.filter((name) => !name.endsWith('_rivulet_watchers')), after.at(-1)]);
    expect((await project.run(['generate', '--squash'])).stdout).toContain('up to date');
    expect(await migrations()).toEqual(after);
    expect((await project.run(['generate', '--check'])).ended?.code).toBe(0);

    for (const url of [database.url, empty.url]) {
      const of = { ...env, DATABASE_URL: url };
      expect((await project.run(['migrate'], of)).ended?.code).toBe(0);
      expect((await project.run(['doctor'], of)).ended?.code).toBe(0);
    }
  }, 60_000);

  test('a migration that fails is named, and nothing of it is kept', async () => {
    const folder = join(project.folder, 'drizzle', '29990101000000_broken');
    await mkdir(folder);
    await writeFile(
      join(folder, 'migration.sql'),
      'create table kept (id int);--> statement-breakpoint\nselect 1/0;',
    );
    const migrate = await project.run(['migrate'], env);
    expect(outcome(migrate)).toEqual([1, 'MIGRATIONS_INVALID']);
    expect(migrate.stderr).toContain('29990101000000_broken: division by zero (22012)');
    expect(await database.query(`select to_regclass('kept')::text`)).toEqual([[null]]);
  });
});

test('schema prints what clients see', async () => {
  const { stdout } = await project.run(['schema']);
  const schema = buildSchema(stdout);
  expect(Object.keys(schema.getSubscriptionType()!.getFields())).toContain('taskChanges');
  expect(schema.getType('Task')).toBeDefined();
});

test('start serves without GraphiQL and introspection, and its tokens are those of JWT_SECRET', async () => {
  const start = project.rivulet(['start', '--port', '0'], { ...env, LOG_LEVEL: 'info' });
  const url = await new Promise<string>((resolve) => {
    start.child.stderr?.on('data', () => {
      const found = /"url":"([^"]+)"/.exec(start.stderr)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  const token = (await project.run(['token', '1', '--expires', '5m'], env)).stdout.trim();
  const ask = async (query: string) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) });
    return response.json();
  };
  expect(await ask('{ tasks { id } }')).toMatchObject({ data: { tasks: [] } });
  expect(await ask('{ __schema { types { name } } }')).toHaveProperty('errors');
  const { errors } = (await ask('{ taks { id } }')) as { errors: { message: string }[] };
  expect(errors[0]!.message).toBe('Cannot query field "taks" on type "Query".');
  const page = await fetch(url, { headers: { accept: 'text/html' } });
  expect(await page.text()).not.toContain('GraphiQL');
  expect(await start.interrupt()).toBe(0);
});

test('start without keys, and with a weak one, is refused', async () => {
  const { JWT_SECRET: _secret, ...keyless } = env;
  expect(outcome(await project.run(['start'], keyless))).toEqual([1, 'AUTH_NOT_CONFIGURED']);
  expect(outcome(await project.run(['start'], { ...env, JWT_SECRET: 'short' }))).toEqual([
    1,
    'AUTH_SECRET_WEAK',
  ]);
});

describe('a configuration that cannot be used says why', () => {
  test.each([
    ['has no default export', 'export const config = 1;', 'CONFIG_INVALID'],
    ['is no configuration', 'export default 7;', 'CONFIG_INVALID'],
    ['has no policies', 'export default { relations: {} };', 'CONFIG_INVALID'],
    ['does not parse', 'export default {', 'CONFIG_UNREADABLE'],
    ['imports what is not there', "import './nowhere.js'; export default {};", 'CONFIG_UNREADABLE'],
    ['throws', "throw new Error('no'); export default {};", 'CONFIG_UNREADABLE'],
    ['has a limit that is not known', exampleWith('limits: { depht: 3 }'), 'CONFIG_INVALID'],
    ['has an origin that is none', exampleWith("server: { origins: ['example.com'] }"), 'CONFIG_INVALID'],
    ['has a table without a key', withoutKey(), 'SCHEMA_INVALID'],
  ])('%s', async (_what, text, code) => {
    await writeFile(join(project.folder, 'bad.config.ts'), text);
    const command = await project.run(['start', '--config', 'bad.config.ts'], env);
    expect(outcome(command)).toEqual([1, code]);
  });

  test('is not there', async () => {
    expect(outcome(await project.run(['schema', '--config', 'nowhere.ts']))).toEqual([1, 'CONFIG_NOT_FOUND']);
  });
});

test('sql prints rows, refuses what Postgres refuses, and runs several statements as one transaction', async () => {
  const rows = await project.run(['sql', `select 1 as one, null as nothing, '{"a": 1}'::jsonb as json`], env);
  expect(rows.stdout).toBe(
    'one | nothing | json\n----+---------+---------\n1   |         | {"a": 1}\n(1 row)\n',
  );
  const failed = await project.run(['sql', 'create table half (id int); select 1/0'], env);
  expect([failed.ended?.code, failed.stderr]).toEqual([
    1,
    expect.stringContaining('SQL_FAILED: division by zero'),
  ]);
  expect(await database.query(`select to_regclass('half')::text`)).toEqual([[null]]);
});

function exampleWith(setting: string): string {
  return `import config from ${JSON.stringify(join(ROOT, 'rivulet.config.ts'))}; export default { ...config, ${setting} };`;
}

function withoutKey(): string {
  return `
    import { defineRelations } from ${JSON.stringify(join(ROOT, 'node_modules/drizzle-orm/index.js'))};
    import { pgTable, text } from ${JSON.stringify(join(ROOT, 'node_modules/drizzle-orm/pg-core/index.js'))};
    const notes = pgTable('notes', { body: text() });
    export default { relations: defineRelations({ notes }), policies: { notes: { read: true } } };`;
}
