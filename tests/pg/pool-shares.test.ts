import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StatementCancellation } from '../../src/database/cancellation.js';
import { codedError } from '../../src/database/errors.js';
import type { Database, QueryOptions } from '../../src/database/types.js';
import { createDatabase } from '../support/database.js';
import { propertyOptions } from '../support/property.js';
import { waitFor } from '../support/wait-for.js';

const database = await createDatabase({
  setup: 'create table locked (id integer); insert into locked values (7); create sequence told',
});

const LOCKED = 'select id::text from locked';
const ECHO = 'select $1::text';
const SLEEP = `select $1::text || coalesce(pg_sleep($2::text::float)::text, '')`;

const read = (db: Database, text: string, params: readonly string[] = [], options: QueryOptions = {}) =>
  db.query({ text, params }, { shared: true, ...options }).then(([row]) => row?.[0]);

const codeOf = (answer: Promise<unknown>) => answer.catch((error: unknown) => codedError(error)?.code);

async function blocked(): Promise<number> {
  const rows = await database.query(
    `select pid::text from pg_stat_activity where wait_event_type = 'Lock' and query like '%locked%' and datname = current_database()`,
  );
  return rows.length;
}

/** Runs `work` while nobody can read `locked`. */
async function whileLocked(work: () => Promise<void>): Promise<void> {
  await database.connect({ max: 1 }).transaction(async (tx) => {
    await tx.script('lock table locked');
    await work();
  });
}

/** Takes the only connection until `free` is called. */
function held(db: Database): { readonly holding: Promise<void>; readonly free: () => void } {
  let free = (): void => {};
  const given = new Promise<void>((resolve) => {
    free = resolve;
  });
  return { holding: db.transaction(() => given), free: () => free() };
}

describe('an owner of statements', () => {
  test('has no more than its share of the connections, and others have theirs', async () => {
    const db = database.connect({ max: 4, maxPerOwner: 2 });
    const heavy: Promise<unknown>[] = [];
    await whileLocked(async () => {
      for (let n = 0; n < 12; n++) heavy.push(read(db, LOCKED, [], { owner: 'ada' }));
      await waitFor('two wait for the lock', async () => (await blocked()) === 2);
      for (const owner of ['grace', 'alan', undefined])
        expect(await read(db, ECHO, ['here'], { owner })).toBe('here');
      await db.transaction((tx) => tx.query({ text: ECHO, params: ['too'] }), { owner: 'grace' });
      expect(await blocked()).toBe(2);
    });
    expect(await Promise.all(heavy)).toEqual(Array.from({ length: 12 }, () => '7'));
  });

  test('waits in turn with others, however much it has waiting', async () => {
    const db = database.connect({ max: 1 });
    const order: string[] = [];
    const { holding, free } = held(db);
    const works = ['a', 'a', 'a', 'b', 'c', 'b'].map((owner, n) =>
      db.transaction(async () => void order.push(`${owner}${n}`), { owner }),
    );
    free();
    await Promise.all([holding, ...works]);
    expect(order).toEqual(['a0', 'b3', 'c4', 'a1', 'b5', 'a2']);
  });

  test('has its share again when it has left', async () => {
    const db = database.connect({ max: 4, maxPerOwner: 1 });
    for (let n = 0; n < 3; n++) {
      const cancellation = new StatementCancellation();
      await whileLocked(async () => {
        const asked = Array.from({ length: 5 }, () =>
          codeOf(read(db, LOCKED, [], { owner: 'ada', cancellation })),
        );
        await waitFor('one waits for the lock', async () => (await blocked()) === 1);
        cancellation.cancel();
        expect(new Set(await Promise.all(asked))).toEqual(new Set(['REQUEST_CANCELLED']));
        await waitFor('nothing waits for the lock', async () => (await blocked()) === 0);
      });
      expect(await read(db, ECHO, ['again'], { owner: 'ada' })).toBe('again');
      const transaction = db.transaction((tx) => tx.query({ text: ECHO, params: ['x'] }), { owner: 'ada' });
      expect(await transaction).toEqual([['x']]);
    }
  });
});

describe('a cancelled statement', () => {
  test('that waits for a connection is never sent', async () => {
    const db = database.connect({ max: 1 });
    const cancellation = new StatementCancellation();
    const { holding, free } = held(db);
    const text = `select nextval('told')::text`;
    const asked = [
      codeOf(read(db, text, [], { cancellation })),
      codeOf(db.transaction((tx) => tx.query({ text, params: [] }), { cancellation })),
    ];
    cancellation.cancel();
    expect(await Promise.all(asked)).toEqual(['REQUEST_CANCELLED', 'REQUEST_CANCELLED']);
    free();
    await holding;
    expect(await codeOf(read(db, text, [], { cancellation }))).toBe('REQUEST_CANCELLED');
    expect(await read(db, text)).toBe('1');
  });

  test('ends in Postgres, and those that stand in line behind it are answered', async () => {
    const db = database.connect({ max: 1 });
    for (let times = 0; times < 5; times++) {
      await read(db, LOCKED);
      await read(db, ECHO, ['0']);
    }
    const cancellation = new StatementCancellation();
    await whileLocked(async () => {
      const lost = codeOf(read(db, LOCKED, [], { cancellation }));
      const behind = ['a', 'b', 'c'].map((each) => read(db, ECHO, [each]));
      await waitFor('it waits for the lock', async () => (await blocked()) === 1);
      cancellation.cancel();
      expect(await lost).toBe('REQUEST_CANCELLED');
      expect(await Promise.all(behind)).toEqual(['a', 'b', 'c']);
      await waitFor('nothing waits for the lock', async () => (await blocked()) === 0);
    });
  });

  test('is not that of a transaction that has begun', async () => {
    const db = database.connect({ max: 1 });
    const cancellation = new StatementCancellation();
    const answer = await db.transaction(
      async (tx) => {
        cancellation.cancel();
        return tx.query({ text: ECHO, params: ['through'] });
      },
      { cancellation },
    );
    expect(answer).toEqual([['through']]);
  });

  test('takes no other with it, whenever its cancellation comes', async () => {
    const db = database.connect({ max: 2, maxPerOwner: 1 });
    const statement = fc.record({
      owner: fc.constantFrom('a', 'b', 'c'),
      ms: fc.constantFrom(0, 0, 0, 5, 120, 160),
      text: fc.constantFrom(ECHO, SLEEP),
      cancelledAfterMs: fc.option(fc.constantFrom(0, 1, 5, 99, 100, 101, 120, 121, 140), { freq: 2 }),
    });
    let cancelled = 0;
    const property = fc.asyncProperty(fc.array(statement, { minLength: 5, maxLength: 25 }), async (all) => {
      const answers = all.map(async ({ owner, ms, text, cancelledAfterMs }, n) => {
        const cancellation = new StatementCancellation();
        if (cancelledAfterMs !== null) setTimeout(() => cancellation.cancel(), cancelledAfterMs);
        const params = text === ECHO ? [String(n)] : [String(n), String(ms / 1_000)];
        const answer = await codeOf(read(db, text, params, { owner, cancellation }));
        if (cancelledAfterMs === null || answer !== 'REQUEST_CANCELLED') expect(answer).toBe(String(n));
        else cancelled++;
      });
      await Promise.all(answers);
    });
    await fc.assert(property, { ...propertyOptions(25), endOnFailure: true });
    expect(cancelled).toBeGreaterThan(10);
  }, 120_000);
});

describe('a statement that takes too long', () => {
  test('ends with a code, and its connection goes on', async () => {
    const db = database.connect({ max: 1, statementTimeoutMs: 200 });
    const pid = await read(db, 'select pg_backend_pid()::text');
    const late = read(db, SLEEP, ['x', '60']);
    await expect(late).rejects.toMatchObject({ code: 'QUERY_TIMEOUT', details: { seconds: 0.2 } });
    expect(await read(db, 'select pg_backend_pid()::text')).toBe(pid);
  });

  test('rolls its transaction back', async () => {
    const db = database.connect({ max: 1, statementTimeoutMs: 200 });
    const late = db.transaction(async (tx) => {
      await tx.script('insert into locked values (8)');
      await tx.query({ text: SLEEP, params: ['x', '60'] });
    });
    await expect(late).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' });
    expect(await read(db, `select count(*)::text from locked`)).toBe('1');
  });
});
