import { defineRelations } from 'drizzle-orm';
import { customType, integer, pgTable, text } from 'drizzle-orm/pg-core';
import pino from 'pino';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { ERRORS } from '../../src/error-texts.js';
import { readModel } from '../../src/model/read.js';
import { defineConfig } from '../../src/server/engine/config.js';
import { createRivulet } from '../../src/server/engine/rivulet.js';
import { inspect } from '../../src/watch/inspect.js';
import { install } from '../../src/watch/install.js';
import { planWatchers } from '../../src/watch/plan.js';
import { VERDICT_RULES } from '../../src/watch/verdicts.js';
import { createDatabase } from '../support/database.js';

const anything = customType<{ data: string }>({ dataType: () => 'text' });
const notes = pgTable('notes', { id: integer().primaryKey(), body: text(), extra: anything() });
const relations = defineRelations({ notes });
const model = readModel(relations);
const plan = planWatchers(model, [{ table: notes }]);
const database = await createDatabase();
const ROLE = `${database.name}_server`;
await database.script(`create role ${ROLE} login password 's'`);
afterAll(() => database.script(`drop owned by ${ROLE}; drop role ${ROLE}`));
const asRole = database.connect({ max: 1, user: ROLE, password: 's' });

const COLUMNS = 'id int primary key, body text, extra text';
const CREATE = `create table notes (${COLUMNS});`;
const SERVER_RIGHTS = `grant usage on schema public, rivulet to ${ROLE}; grant select on all tables in schema rivulet to ${ROLE};
  grant update on rivulet.log to ${ROLE}; grant delete on rivulet.change to ${ROLE}; grant insert, update, delete on rivulet.reader to ${ROLE};
  grant execute on function rivulet.history(), rivulet.note_break(text, text) to ${ROLE};`;

beforeEach(() =>
  database.script(`drop schema public cascade; create schema public; drop schema if exists rivulet cascade;
    drop schema if exists elsewhere cascade; drop foreign data wrapper if exists nowhere cascade`),
);

interface Case {
  readonly what: string;
  /** Instead of `CREATE`. */
  readonly create?: string;
  /** After the watchers are installed. */
  readonly after?: string;
  readonly as?: 'superuser' | 'role';
  readonly code: string | null;
  readonly says?: string;
}

const SECURED = 'alter table notes enable row level security;';
const foreign = `create foreign data wrapper nowhere; create server nowhere foreign data wrapper nowhere;`;
const cases: readonly Case[] = [
  { what: 'a plain table', code: null },
  {
    what: 'a partitioned table',
    create: `create table notes (${COLUMNS}) partition by range (id); create table low partition of notes for values from (0) to (10)`,
    code: null,
  },
  {
    what: 'a view',
    create: 'create view notes as select 1 as id, null::text as body, null::text as extra',
    code: 'TABLE_KIND_UNSUPPORTED',
    says: 'a view',
  },
  {
    what: 'a materialized view',
    create: 'create materialized view notes as select 1 as id, null::text as body, null::text as extra',
    code: 'TABLE_KIND_UNSUPPORTED',
    says: 'a materialized view',
  },
  {
    what: 'a foreign table',
    create: `${foreign} create foreign table notes (id int, body text, extra text) server nowhere`,
    code: 'TABLE_KIND_UNSUPPORTED',
    says: 'a foreign table',
  },
  {
    what: 'a foreign partition',
    create: `${foreign} create table notes (id int, body text, extra text) partition by range (id);
      create foreign table far partition of notes for values from (0) to (10) server nowhere`,
    code: 'TABLE_FOREIGN_PARTITION',
    says: 'public.far',
  },
  {
    what: 'a foreign partition that is attached later',
    create: `${foreign} create table notes (id int, body text, extra text) partition by range (id)`,
    after: `create foreign table far partition of notes for values from (0) to (10) server nowhere`,
    code: 'TABLE_FOREIGN_PARTITION',
  },
  {
    what: 'a partition',
    create: `create table whole (${COLUMNS}) partition by range (id); create table notes partition of whole for values from (0) to (10)`,
    code: 'TABLE_IS_PARTITION',
    says: 'public.whole',
  },
  {
    what: 'a partition of a partition',
    create: `create table whole (${COLUMNS}) partition by range (id); create table half partition of whole for values from (0) to (10) partition by range (id);
      create table notes partition of half for values from (0) to (5)`,
    code: 'TABLE_IS_PARTITION',
    says: 'public.whole',
  },
  {
    what: 'a table that is attached as a partition later',
    after: `create table whole (id int not null, body text, extra text) partition by range (id); alter table whole attach partition notes for values from (0) to (10)`,
    code: 'TABLE_IS_PARTITION',
  },
  {
    what: 'a parent by INHERITS',
    after: 'create schema elsewhere; create table elsewhere.child () inherits (notes)',
    code: 'TABLE_INHERITANCE',
    says: 'elsewhere.child',
  },
  {
    what: 'a child by INHERITS',
    create:
      'create table base (id int); create table notes (id int primary key, body text, extra text) inherits (base)',
    code: 'TABLE_INHERITANCE',
    says: 'inherits from public.base',
  },
  { what: 'an unlogged table', create: `create unlogged table notes (${COLUMNS})`, code: 'TABLE_UNLOGGED' },
  { what: 'a table that becomes unlogged', after: 'alter table notes set unlogged', code: 'TABLE_UNLOGGED' },
  {
    what: 'a key that may be there twice',
    after: 'alter table notes drop constraint notes_pkey',
    code: 'TABLE_KEY_NOT_UNIQUE',
  },
  {
    what: 'a key that is unique at the end of a transaction',
    create: `create table notes (id int primary key deferrable initially deferred, body text, extra text)`,
    code: null,
  },
  ...[
    'regclass',
    'regproc',
    'regprocedure',
    'regoper',
    'regoperator',
    'regtype',
    'regrole',
    'regnamespace',
    'regconfig',
    'regdictionary',
    'regcollation',
    'regclass[]',
    'aclitem',
  ].map((type) => ({
    what: `a column of type ${type}`,
    create: `create table notes (id int primary key, body text, extra ${type})`,
    code: 'COLUMN_TEXT_VARIES',
    says: 'extra',
  })),
  {
    what: 'a composite of an array of a domain over regclass',
    create: `create domain kind as regclass; create type pair as (a int, b kind[]); create table notes (id int primary key, body text, extra pair)`,
    code: 'COLUMN_TEXT_VARIES',
  },
  {
    what: 'a range over a composite of regtype',
    create: `create type pair as (a int, b regtype); create type span as range (subtype = pair); create table notes (id int primary key, body text, extra span)`,
    code: 'COLUMN_TEXT_VARIES',
  },
  {
    what: 'a column of regclass that is not declared',
    create: `create table notes (${COLUMNS}, more regclass)`,
    code: null,
  },
  { what: 'a role that may read all', after: `grant select on notes to ${ROLE}`, as: 'role', code: null },
  {
    what: 'a role that may read nothing',
    as: 'role',
    code: 'TABLE_PRIVILEGE_MISSING',
    says: 'lacks SELECT on the table',
  },
  {
    what: 'a role that may read some columns',
    after: `grant select (id, extra) on notes to ${ROLE}`,
    as: 'role',
    code: 'TABLE_PRIVILEGE_MISSING',
    says: 'its columns body',
  },
  {
    what: 'a role that may read each column',
    after: `grant select (id, body, extra) on notes to ${ROLE}`,
    as: 'role',
    code: null,
  },
  {
    what: 'a role without the schema',
    after: `grant select on notes to ${ROLE}; revoke usage on schema public from ${ROLE}`,
    as: 'role',
    code: 'TABLE_PRIVILEGE_MISSING',
    says: 'lacks USAGE on schema public',
  },
  {
    what: 'row level security and a superuser',
    after: `${SECURED} alter table notes force row level security`,
    code: null,
  },
  {
    what: 'row level security and a role',
    after: `${SECURED} grant select on notes to ${ROLE}`,
    as: 'role',
    code: 'TABLE_ROW_SECURITY',
  },
  {
    what: 'row level security and its owner',
    after: `${SECURED} alter table notes owner to ${ROLE}`,
    as: 'role',
    code: null,
  },
  {
    what: 'forced row level security and its owner',
    after: `${SECURED} alter table notes force row level security; alter table notes owner to ${ROLE}`,
    as: 'role',
    code: 'TABLE_ROW_SECURITY',
  },
  {
    what: 'row level security and a role with BYPASSRLS',
    after: `${SECURED} grant select on notes to ${ROLE}; alter role ${ROLE} bypassrls`,
    as: 'role',
    code: null,
  },
  {
    what: 'row level security and a member of the owner',
    after: `${SECURED} create role ${ROLE}_owner; alter table notes owner to ${ROLE}_owner; grant ${ROLE}_owner to ${ROLE}`,
    as: 'role',
    code: null,
  },
  {
    what: 'row level security of a partition alone',
    create: `create table notes (${COLUMNS}) partition by range (id); create table low partition of notes for values from (0) to (10)`,
    after: `alter table low enable row level security; grant select on notes to ${ROLE}`,
    as: 'role',
    code: null,
  },
  {
    what: 'row level security of the change log',
    after: `alter table rivulet.change enable row level security; grant select on notes to ${ROLE}`,
    as: 'role',
    code: 'TABLE_ROW_SECURITY',
    says: 'rivulet.change',
  },
];

const PREVENTED = new Set<string>(
  VERDICT_RULES.filter((rule) => rule.preventsInstall).map(({ code }) => code),
);

describe('what the catalog says of a table decides whether it is served', () => {
  test.each(cases)(
    '$what: $code',
    async ({ create = CREATE, after = '', as = 'superuser', code, says = '' }) => {
      await database.script(create);
      const isPrevented = code !== null && PREVENTED.has(code) && after === '';
      if (isPrevented) await expect(install(database.db, plan)).rejects.toMatchObject({ code });
      else {
        await install(database.db, plan);
        if (as === 'role') await database.script(SERVER_RIGHTS);
        await database.script(after);
      }
      const db = as === 'role' ? asRole : database.db;
      try {
        const found = await inspect(db, plan, model);
        const harmful = isPrevented
          ? found.filter(({ table }) => table)
          : found.filter(({ effect }) => effect !== 'none');
        if (code === null) expect(harmful).toEqual([]);
        else {
          expect(harmful[0]).toMatchObject({ code, message: expect.stringContaining(says) });
          expect(harmful[0]!.mend).not.toBe('');
        }
        // A server decides as `inspect` does.
        const rivulet = createRivulet(
          defineConfig({ relations, policies: { notes: { read: () => true } } }),
          { environment: {}, databaseUrl: db.url, logger: pino({ level: 'silent' }) },
        );
        if (isPrevented) await expect(rivulet).rejects.toThrow();
        else if (code === null) await (await rivulet).stop();
        else
          await expect(rivulet).rejects.toMatchObject({
            code,
            message: expect.stringContaining(harmful[0]!.mend),
          });
      } finally {
        await database.script(
          `alter role ${ROLE} nobypassrls; drop schema public cascade; create schema public; drop role if exists ${ROLE}_owner`,
        );
      }
    },
  );

  test('every rule has its error, and every refusal a case', () => {
    for (const { code } of VERDICT_RULES) expect(ERRORS[code].next).not.toBe('');
    const shown = new Set(cases.map(({ code }) => code));
    for (const { code, verdict } of VERDICT_RULES) if (verdict === 'refused') expect(shown).toContain(code);
  });

  test('row level security that is bypassed, and rules, are noted and no difference', async () => {
    await database.script(CREATE);
    await install(database.db, plan);
    await database.script(`${SECURED} create rule quiet as on delete to notes do instead nothing`);
    expect(
      (await inspect(database.db, plan, model)).map(({ kind, code, effect }) => [kind, code, effect]),
    ).toEqual([
      ['noted', 'ROW_SECURITY_BYPASSED', 'none'],
      ['noted', 'TABLE_RULES', 'none'],
    ]);
    const logged: string[] = [];
    const rivulet = await createRivulet(
      defineConfig({ relations, policies: { notes: { read: () => true } } }),
      {
        environment: {},
        databaseUrl: database.url,
        logger: pino({ level: 'info' }, { write: (line) => logged.push(line) }),
      },
    );
    await rivulet.stop();
    const said = logged.filter((line) => line.includes('which the role'));
    expect(said).toHaveLength(1);
    expect(JSON.parse(said[0]!)).toMatchObject({ code: 'ROW_SECURITY_BYPASSED', level: 40 });
  });
});
