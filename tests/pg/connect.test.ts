import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { connect } from '../../src/database/connect.js';
import { codedError } from '../../src/database/errors.js';
import { createDatabase } from '../support/database.js';
import { startProxy } from '../support/proxy.js';
import { waitFor } from '../support/wait-for.js';

const database = await createDatabase({ setup: 'create table t (id int primary key, v text)' });

const terminateOthers = (applicationName: string) =>
  database.query(
    `select pg_terminate_backend(pid)::text from pg_stat_activity
     where datname = current_database() and application_name = $1`,
    applicationName,
  );

const SLEEPING = `select pid::text from pg_stat_activity where state = 'active' and query like 'select pg_sleep(60)%'`;

describe('connect', () => {
  test('every value is text, whatever its type', async () => {
    const rows = await database.query(
      `select 1::int4, 1.50::numeric, true, null::int, '{"a":1}'::jsonb, '\\x00ff'::bytea,
              timestamptz '2026-01-02 03:04:05.123456+02', date '2026-01-02', array[1,2], interval '1 day 2 hours'`,
    );
    expect(rows).toEqual([
      [
        '1',
        '1.50',
        't',
        null,
        '{"a": 1}',
        '\\x00ff',
        '2026-01-02 01:04:05.123456+00',
        '2026-01-02',
        '{1,2}',
        '1 day 02:00:00',
      ],
    ]);
  });

  test('parameters are text, NULL and quotes included', async () => {
    const hostile = `'; drop table t; -- \\ "é" $$ 💧`;
    expect(await database.query('select $1::text, $2::text::int + 1, $3::text', hostile, '41', null)).toEqual(
      [[hostile, '42', null]],
    );
  });

  test('a statement that fails after it has sent rows leaves none of them to the next', async () => {
    const one = database.connect({ max: 1 });
    const failing = { text: 'select (6 / (g - 4))::text from generate_series(1, 5) as g', params: [] };
    for (const prepare of [true, false]) {
      await expect(one.query(failing, { prepare })).rejects.toMatchObject({ code: '22012' });
      const rows = await one.query({ text: "select 'a' union all select 'b'", params: [] });
      expect([rows.length, ...rows.map(([text]) => text)]).toEqual([2, 'a', 'b']);
    }
  });

  test('a transaction commits what its work did, and rolls back when it rejects', async () => {
    await database.db.transaction((tx) => tx.script(`insert into t values (1, 'kept')`));
    const failing = database.db.transaction(async (tx) => {
      await tx.script(`insert into t values (2, 'gone')`);
      throw new Error('on purpose');
    });
    await expect(failing).rejects.toThrow('on purpose');
    expect(await database.query('select v from t order by id')).toEqual([['kept']]);
  });

  test('a transaction in which a failed statement was swallowed rejects with that error', async () => {
    const swallowing = database.db.transaction(async (tx) => {
      await tx.script(`insert into t values (1, 'double')`).catch(() => {});
    });
    await expect(swallowing).rejects.toMatchObject({ code: '23505' });
  });

  test('a statement sent after its transaction is over is refused', async () => {
    let late: () => Promise<unknown> = async () => {};
    await database.db.transaction(async (tx) => {
      late = () => tx.query({ text: 'select 1::text', params: [] });
    });
    await expect(late()).rejects.toThrow('over');
  });

  test('a terminated backend fails its own statement only; the next one gets a new connection', async () => {
    const victim = database.connect({ max: 1, applicationName: 'victim' });
    const running = victim.query({ text: 'select pg_sleep(60)::text', params: [] });
    const caught = running.catch((error: unknown) => error);
    await waitFor('the victim runs', async () => (await terminateOthers('victim')).length > 0);
    expect(codedError(await caught)?.code).toBe('DATABASE_UNAVAILABLE');
    expect(await victim.query({ text: 'select 1::text', params: [] })).toEqual([['1']]);
  });

  test('a transaction whose backend was terminated is never continued on another connection', async () => {
    const victim = database.connect({ max: 1, applicationName: 'victim2' });
    const lost = victim.transaction(async (tx) => {
      await tx.script(`insert into t values (10, 'before')`);
      await terminateOthers('victim2');
      await tx.script(`insert into t values (11, 'after')`).catch(() => {});
      await tx.script(`insert into t values (12, 'after')`);
    });
    await expect(lost).rejects.toThrow();
    await victim.query({ text: 'select 1::text', params: [] });
    expect(await database.query('select id::text from t where id >= 10')).toEqual([]);
  });

  test('a connection that is reset in the middle of a transaction takes nobody else with it', async () => {
    const proxy = await startProxy(database.url);
    const { connect } = await import('../../src/database/connect.js');
    const db = connect(proxy.url, { max: 1 });
    for (let round = 0; round < 5; round++) {
      const lost = db.transaction(async (tx) => {
        await tx.script(`insert into t values (${20 + round}, 'before')`);
        const sleeping = tx.query({ text: 'select pg_sleep(60)::text', params: [] }).catch(() => {});
        await waitFor('it sleeps', async () => (await database.query(SLEEPING)).length > 0);
        proxy.reset();
        await sleeping;
        await tx.script(`insert into t values (${30 + round}, 'after')`);
      });
      await expect(lost).rejects.toThrow();
      expect(await db.query({ text: 'select 1::text', params: [] })).toEqual([['1']]);
      await database.query(
        `select pg_terminate_backend(pid)::text from pg_stat_activity where query like 'select pg_sleep(60)%'`,
      );
    }
    expect(await database.query('select id::text from t where id >= 20')).toEqual([]);
    await db.close();
    await proxy.close();
  });

  test('more callers than connections wait for their turn', async () => {
    const small = database.connect({ max: 2 });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => small.query({ text: 'select $1::text', params: [String(i)] })),
    );
    expect(answers.map((rows) => Number(rows[0]![0]))).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });

  test('after close, work is refused with a code, and closing twice is fine', async () => {
    const closed = database.connect({ max: 1 });
    await closed.query({ text: 'select 1::text', params: [] });
    await closed.close();
    await closed.close();
    await expect(closed.query({ text: 'select 1::text', params: [] })).rejects.toMatchObject({
      code: 'DATABASE_CLOSED',
    });
  });

  test('close waits for the statement that runs', async () => {
    const closing = database.connect({ max: 1 });
    const answer = closing.query({ text: `select 'done' from pg_sleep(0.2)`, params: [] });
    await closing.close();
    expect(await answer).toEqual([['done']]);
  });

  test('a database that is away gives a coded error', async () => {
    const away = new URL(database.url);
    away.port = '1';
    const { connect } = await import('../../src/database/connect.js');
    const db = connect(away.href, { max: 1 });
    const error = await db.query({ text: 'select 1', params: [] }).catch((e: unknown) => e);
    expect(codedError(error)?.code).toBe('DATABASE_UNAVAILABLE');
    await db.close();
  });
});

describe('close', () => {
  test('leaves no connection, whatever was given up on the way: a process that is done ends', async () => {
    const proxy = await startProxy(database.url);
    for (let round = 0; round < 12; round++) {
      const db = connect(proxy.url, { max: 3, silenceMs: 30 });
      // In half of the rounds some connections are made, and others are just being made.
      if (round % 2 === 0) await db.query({ text: 'select 1', params: [] }).catch(() => {});
      proxy.stall();
      const asked = Array.from({ length: 6 }, () =>
        db.query({ text: 'select 2', params: [] }).catch(() => {}),
      );
      await delay(20 + 10 * round);
      const closing = db.close(50);
      proxy.resume();
      await Promise.all([closing, ...asked]);
    }
    await waitFor('no connection is left', () => proxy.connections === 0);
    // The driver waits a moment before it connects again.
    await delay(1_000);
    expect(proxy.connections).toBe(0);
    await proxy.close();
  }, 60_000);
});

describe('listen', () => {
  test('it hears, and comes back after its backend was terminated', async () => {
    const db = database.connect({ max: 1, applicationName: 'listener' });
    const heard: string[] = [];
    let listens = 0;
    const unlisten = await db.listen(
      'Chän"nel',
      (payload) => heard.push(payload),
      () => listens++,
    );
    await database.script(`select pg_notify('Chän"nel', 'one')`);
    await waitFor('the first notification', () => heard.length === 1);
    for (let round = 0; round < 3; round++) {
      const before = listens;
      await terminateOthers('listener');
      await waitFor('listening again', () => listens === before + 1);
    }
    await database.script(`select pg_notify('Chän"nel', 'two')`);
    await waitFor('the second notification', () => heard.length === 2);
    expect(heard).toEqual(['one', 'two']);
    await unlisten();
    await unlisten();
  });
});
