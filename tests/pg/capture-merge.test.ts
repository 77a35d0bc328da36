import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { netChanges } from '../../src/scope/messages/net-changes.js';
import { createDatabase } from '../support/database.js';
import { watch } from '../support/watched.js';

const measures = pgTable(
  'measures',
  { no: integer().notNull(), region: text().notNull(), value: integer() },
  (table) => [primaryKey({ columns: [table.no, table.region] })],
);
const relations = defineRelations({ measures });

const MOVES = `merge into measures m using (values (1)) v(id) on m.no = v.id when matched then update set region = 'south'`;

const database = await createDatabase({
  setup: `
    create table measures (no int, region text, value int, primary key (no, region)) partition by list (region);
    create table measures_north partition of measures for values in ('north');
    create table measures_south partition of measures for values in ('south');
    create function updates_in_sql() returns void language sql as $$ update measures set region = 'south', value = 9 where no = 1 $$;
  `,
});
const version = Number((await database.query(`select current_setting('server_version_num')`))[0]![0]);
const isMerging = version >= 150_000;
if (!isMerging) console.log('PostgreSQL before 15 has no MERGE: its tests are left out');
if (isMerging) {
  await database.script(`
    create function moves() returns void language plpgsql as $$ begin ${MOVES}; end $$;
    create function moves_dynamically() returns void language plpgsql as $$ begin execute '${MOVES.replaceAll("'", "''")}'; end $$;
    create function moves_in_sql() returns void language sql as $$ ${MOVES} $$;
    create function moves_atomically() returns void language sql begin atomic ${MOVES}; end;
    create function moves_as_prepared() returns void language plpgsql as $$ begin execute 'execute moving'; end $$;`);
}
const isReturning = version >= 170_000;
if (!isReturning) console.log('MERGE has no RETURNING before PostgreSQL 17: loops over it are left out');
if (isReturning) {
  await database.script(`
    create function moves_in_loop() returns void language plpgsql as $$ declare r record; begin for r in ${MOVES} returning m.no loop end loop; end $$;
    create function calls_loop() returns void language plpgsql as $$ begin perform moves_in_loop(); end $$;
    create function loops_over(query text) returns void language plpgsql as $$ declare r record; begin for r in execute query loop end loop; end $$;
    create function moves_by_cursor() returns void language plpgsql as $$ declare r record; c cursor for ${MOVES} returning m.no; begin open c; fetch c into r; end $$`);
}
const watched = await watch(database, relations);
afterAll(() => watched.stop());

beforeEach(async () => {
  await database.script(
    `truncate measures; insert into measures values (1, 'north', 0), (2, 'north', 0), (4, 'south', 0)`,
  );
  await watched.take();
});

/** What the transaction did to each row in the end. */
async function take() {
  const [transaction] = await watched.take();
  const net = netChanges(transaction!).get('measures')?.rows ?? [];
  const changes = net.map(({ op, old, new: next }) => [op, old, next] as const);
  return { changes: changes.toSorted(), isTold: transaction!.unreadable.size === 0 };
}

describe.runIf(isMerging)(
  'a MERGE that moves rows of a partitioned table, of which PostgreSQL tells triggers nothing',
  () => {
    test.each([
      ['sent by a client', MOVES],
      ['prepared', `prepare moving as ${MOVES}; execute moving; deallocate moving`],
      ['in a block', `do $$ begin ${MOVES}; end $$`],
      ['in a function in PL/pgSQL', 'select moves()'],
      ['made by EXECUTE', 'select moves_dynamically()'],
      ['in a function in SQL', 'select moves_in_sql()'],
      ['in a function with a body of statements', 'select moves_atomically()'],
      ['with an action for INSERT only', `${MOVES} when not matched then insert values (v.id, 'north', 0)`],
      [
        'with DELETE in a comment',
        `${MOVES} /* then delete */ -- then delete\nwhen not matched then insert values (v.id, 'north', 0)`,
      ],
      [
        'with DELETE in a text',
        `${MOVES}, value = length('then delete') when not matched then insert values (v.id, 'north', 0)`,
      ],
    ])('%s: the table is said to have changed unseen', async (_, sql) => {
      await database.script(sql);
      expect((await take()).isTold).toBe(false);
    });

    /** What only looks like an action for DELETE. */
    const inserts = `when not matched then insert values (1, 'north', 0)`;
    test.each([
      ['in a text in dollar quotes', `${MOVES}, value = length($$ then delete $$) ${inserts}`],
      ['in a text with a backslash', `${MOVES}, value = length(E'\\' then delete ') ${inserts}`],
      ['in a comment in a comment', `${MOVES} /* /* */ then delete */ ${inserts}`],
      [
        'in a name',
        `merge into measures m using (values (1)) v("then delete") on m.no = v."then delete" when matched then update set region = 'south' ${inserts}`,
      ],
      [
        'as a column in CASE',
        `merge into measures m using (values (1, 5)) v(id, delete) on m.no = v.id when matched then update set region = 'south', value = case when true then delete end ${inserts}`,
      ],
      [
        'in another statement',
        `${MOVES} ${inserts}; do $$ begin if false then delete from measures; end if; end $$`,
      ],
    ])('with DELETE %s it is said to have changed unseen', async (_, sql) => {
      await database.script(sql);
      expect((await take()).isTold).toBe(false);
    });

    test('prepared, and executed in a function', async () => {
      await database.script(`prepare moving as ${MOVES}; select moves_as_prepared(); deallocate moving`);
      expect((await take()).isTold).toBe(false);
    });

    test('in a function, without standard strings', async () => {
      await database.script(`set standard_conforming_strings = off; select moves()`);
      await database.script(`reset standard_conforming_strings`);
      expect((await take()).isTold).toBe(false);
    });

    test.runIf(isReturning).each([
      ['in a loop', 'select moves_in_loop()'],
      ['in a loop of a function that a function calls', 'select calls_loop()'],
      [
        'in a loop over a text from elsewhere',
        `select loops_over('mer' || 'ge ${MOVES.slice(6).replaceAll("'", "''")} returning m.no')`,
      ],
      ['by a cursor', 'select moves_by_cursor()'],
    ])('%s, where no context has its text', async (_, sql) => {
      await database.script(sql);
      expect((await take()).isTold).toBe(false);
    });

    test('with actions for DELETE and INSERT it is told whole', async () => {
      await database.script(`merge into measures m using (values (2), (4), (10)) v(id) on m.no = v.id
      when matched and v.id = 4 then delete
      when matched then update set region = 'south', value = 6
      when not matched then insert values (v.id, 'north', 0)`);
      expect(await take()).toEqual({
        isTold: true,
        changes: [
          ['DELETE', ['2', 'north', '0'], null],
          ['DELETE', ['4', 'south', '0'], null],
          ['INSERT', null, ['10', 'north', '0']],
          ['INSERT', null, ['2', 'south', '6']],
        ],
      });
    });
  },
);

describe('other statements of a partitioned table', () => {
  test.each([
    ['sent by a client', `update measures set region = 'south', value = 9 where no = 1`],
    [
      'with the word in a longer one',
      `update measures set region = 'south', value = 9 where no = 1 and region <> 'merged'`,
    ],
    ['in a block', `do $$ begin update measures set region = 'south', value = 9 where no = 1; end $$`],
    [
      'of a megabyte',
      `update measures set region = 'south', value = 9 where no = 1 and region <> '${'x'.repeat(1_000_001)}'`,
    ],
  ])('an update %s is told', async (_, sql) => {
    await database.script(sql);
    expect(await take()).toEqual({
      isTold: true,
      changes: [
        ['DELETE', ['1', 'north', '0'], null],
        ['INSERT', null, ['1', 'south', '9']],
      ],
    });
  });

  test('an update of a function in SQL is told', async () => {
    await database.script('select updates_in_sql()');
    expect(await take()).toEqual({
      isTold: true,
      changes: [
        ['DELETE', ['1', 'north', '0'], null],
        ['INSERT', null, ['1', 'south', '9']],
      ],
    });
  });

  test('a move of which a trigger suppressed the second half is a delete, whatever the statement did beside it', async () => {
    await database.script(`
      create function suppress() returns trigger language plpgsql as $$ begin return case when new.no <> 2 then new end; end $$;
      create trigger suppress before insert on measures_south for each row execute function suppress()`);
    await database.script(`update measures set region = 'south', value = no`);
    await database.script('drop trigger suppress on measures_south; drop function suppress');
    expect(await take()).toEqual({
      isTold: true,
      changes: [
        ['DELETE', ['1', 'north', '0'], null],
        ['DELETE', ['2', 'north', '0'], null],
        ['INSERT', null, ['1', 'south', '1']],
        ['UPDATE', ['4', 'south', '0'], ['4', 'south', '4']],
      ],
    });
  });
});
