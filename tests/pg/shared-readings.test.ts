import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { connect } from '../../src/database/connect.js';
import { codedError } from '../../src/database/errors.js';
import type { Database } from '../../src/database/types.js';
import { createDatabase } from '../support/database.js';
import { startProxy } from '../support/proxy.js';
import { waitFor } from '../support/wait-for.js';

const database = await createDatabase({
  setup: 'create table locked (id integer); insert into locked values (7); create sequence told',
});

const LOCKED = 'select id::text from locked';
const TOLD = `select nextval('told')::text`;
const SLEEP = 'select pg_sleep($1::text::float)::text';
const ECHO = 'select $1::text';

const read = (db: Database, text: string, ...params: string[]) =>
  db.query({ text, params }, { shared: true }).then(([row]) => row?.[0]);

/** What was quick at its last time may share a connection. */
async function known(db: Database, ...texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    // Preparing is not quick on a busy machine.
    for (let times = 0; times < 5; times++) await read(db, text, ...(text.includes('$1') ? ['0'] : []));
  }
}

function signal(): { readonly given: Promise<void>; readonly give: () => void } {
  let give = (): void => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give: () => give() };
}

describe('readings that share connections', () => {
  test('are each answered with what they asked for', async () => {
    const db = database.connect({ max: 2 });
    const asked = Array.from({ length: 300 }, (_, at) => String(at));
    for (let round = 0; round < 3; round++) {
      expect(await Promise.all(asked.map((each) => read(db, ECHO, each)))).toEqual(asked);
    }
    const pids = await Promise.all(asked.map(() => read(db, 'select pg_backend_pid()::text')));
    expect(new Set(pids).size).toBeLessThanOrEqual(2);
  });

  test('fail each for itself', async () => {
    const db = database.connect({ max: 1 });
    const divide = 'select (1 / $1::text::integer)::text';
    await read(db, divide, '1');
    const answers = await Promise.allSettled(
      ['1', '0', '1', '0', '1'].map((divisor) => read(db, divide, divisor)),
    );
    expect(answers.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
  });

  test('do not wait for a lock that somebody before them waits for', async () => {
    const db = database.connect({ max: 2 });
    await known(db, LOCKED, TOLD);
    const told = async () => Number((await database.query('select last_value::text from told'))[0]![0]);
    const before = await told();
    const locking = database.connect({ max: 1 });
    await locking.transaction(async (tx) => {
      await tx.script('lock table locked');
      const waits = read(db, LOCKED);
      await Promise.all(Array.from({ length: 20 }, () => read(db, TOLD)));
      // Some of them were sent to both connections.
      void waits.then((id) => expect(id).toBe('7'));
    });
    await read(db, LOCKED);
    await waitFor('what was sent twice is over', async () => (await told()) > before + 20);
  });

  test('do not wait for it either where all of them had waited for a connection', async () => {
    const db = database.connect({ max: 2 });
    await known(db, LOCKED, TOLD);
    const [first, second] = [signal(), signal()];
    const works = [first, second].map(({ given }) => db.transaction(() => given));
    const locking = database.connect({ max: 1 });
    await locking.transaction(async (tx) => {
      await tx.script('lock table locked');
      const waits = read(db, LOCKED);
      const behind = [read(db, TOLD), read(db, TOLD)];
      // Nobody stands in line while the first look is taken.
      await delay(120);
      first.give();
      await works[0];
      second.give();
      await Promise.all([...works, ...behind]);
      void waits.then((id) => expect(id).toBe('7'));
    });
    await read(db, LOCKED);
  });

  test('are not sent a second time behind themselves', async () => {
    const db = database.connect({ max: 1 });
    await known(db, SLEEP, TOLD);
    const before = Number(await read(db, TOLD));
    const slow = read(db, SLEEP, '0.4');
    await Promise.all([slow, ...Array.from({ length: 5 }, () => read(db, TOLD))]);
    expect(Number(await read(db, TOLD))).toBe(before + 6);
  });

  test('are all refused where the connection that they stand in line for is cut by closing', async () => {
    const db = database.connect({ max: 2 });
    await known(db, LOCKED, ECHO);
    const locking = database.connect({ max: 1 });
    await locking.transaction(async (tx) => {
      await tx.script('lock table locked');
      const asked = [LOCKED, LOCKED, LOCKED, LOCKED].map((text) =>
        read(db, text).catch((error: unknown) => codedError(error)?.code ?? String(error)),
      );
      await db.close(250);
      for (const code of await Promise.all(asked)) expect(code).toMatch(/^DATABASE_(CLOSED|UNAVAILABLE)$/);
    });
  });

  test('outlive a link that has gone silent, but for the one that had begun', async () => {
    const proxy = await startProxy(database.url);
    const db = connect(proxy.url, { max: 1, silenceMs: 1_000 });
    await known(db, ECHO);
    proxy.stallOpen();
    const asked = ['a', 'b', 'c'].map((each) =>
      read(db, ECHO, each).catch((error: unknown) => codedError(error)?.code),
    );
    expect(await Promise.all(asked)).toEqual(['DATABASE_UNAVAILABLE', 'b', 'c']);
    await db.close();
    await proxy.close();
  });

  test('outlive the connection that they were sent to, but for the one that had begun', async () => {
    const db = database.connect({ max: 1 });
    await known(db, SLEEP, ECHO);
    const begun = read(db, SLEEP, '60').catch((error: unknown) => codedError(error)?.code);
    const behind = ['a', 'b', 'c'].map((each) => read(db, ECHO, each));
    await waitFor('it sleeps', async () => {
      const [[pid] = [null]] = await database.query(
        `select pg_terminate_backend(pid)::text from pg_stat_activity where query = '${SLEEP}' and state = 'active'`,
      );
      return pid !== null;
    });
    expect(await begun).toBe('DATABASE_UNAVAILABLE');
    expect(await Promise.all(behind)).toEqual(['a', 'b', 'c']);
  });

  test('leave a turn to work that wants a connection for itself', async () => {
    const db = database.connect({ max: 2 });
    await known(db, SLEEP);
    let isOver = false;
    let readings = 0;
    const most = 4_000;
    // Slow enough to be answered one by one, so that there is always another one on its way.
    const reader = async (): Promise<void> => {
      while (!isOver && readings < most) {
        readings++;
        await read(db, SLEEP, '0.002');
      }
    };
    const readers = Promise.all(Array.from({ length: 20 }, reader));
    for (let times = 0; times < 10; times++) {
      await db.transaction((tx) => tx.query({ text: 'select 1::text', params: [] }));
    }
    isOver = true;
    await readers;
    expect(readings).toBeLessThan(most);
  });

  test('end before the connections are closed; those that wait are refused', async () => {
    const db = database.connect({ max: 1 });
    await known(db, ECHO);
    const sent = ['a', 'b', 'c'].map((each) => read(db, ECHO, each));
    const slow = read(db, SLEEP, '0').catch((error: unknown) => codedError(error)?.code);
    await db.close();
    expect(await Promise.all(sent)).toEqual(['a', 'b', 'c']);
    expect(await slow).toBe('DATABASE_CLOSED');
    expect(await read(db, ECHO, 'd').catch((error: unknown) => codedError(error)?.code)).toBe(
      'DATABASE_CLOSED',
    );
  });
});
