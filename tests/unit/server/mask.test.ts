import { GraphQLError } from 'graphql';
import pino from 'pino';
import { expect, test } from 'vitest';
import { RivuletError } from '../../../shared/errors.js';
import { errorEntry } from '../../../src/error-texts.js';
import { maskError } from '../../../src/server/engine/client-errors.js';

const lines: string[] = [];
const logger = pino({ level: 'debug' }, { write: (line) => lines.push(line) });

test('an error that is not ours is masked; the log has it under the id that the client gets', () => {
  const secret = new Error('relation "salaries" at /srv/app/query.ts does not exist');
  const masked = maskError(
    new GraphQLError(secret.message, { originalError: secret, path: ['tasks'] }),
    logger,
  );
  const shown = JSON.stringify(masked);
  expect(masked.extensions.code).toBe('INTERNAL');
  expect(masked.path).toEqual(['tasks']);
  expect(shown).not.toMatch(/salaries|srv/);
  const logged = lines.find((line) => line.includes(String(masked.extensions.logId)));
  expect(logged).toContain('salaries');
});

test('one of ours keeps its code, its details and its next step, however often it was wrapped', () => {
  const ours = new RivuletError('KEY_INVALID', 'not a key', { table: 'tasks' });
  const wrapped = new GraphQLError('x', { originalError: new GraphQLError('y', { originalError: ours }) });
  expect(maskError(wrapped, logger)).toMatchObject({
    message: 'not a key',
    extensions: { code: 'KEY_INVALID', table: 'tasks', next: errorEntry(ours).next },
  });
});

test('an error of the database is shown by its code and constraint, without its SQL', () => {
  const unique = Object.assign(
    new Error('duplicate key value violates unique constraint "users_email_key"'),
    {
      code: '23505',
      constraint_name: 'users_email_key',
      query: 'insert into users',
    },
  );
  const masked = maskError(unique, logger);
  expect(masked.extensions).toMatchObject({ code: 'CONSTRAINT_UNIQUE' });
  expect(JSON.stringify(masked)).not.toContain('insert into');
});

test('what is thrown without being an error is masked as well', () => {
  for (const thrown of ['text', undefined, null, { message: 'x' }]) {
    expect(maskError(thrown, logger).extensions.code).toBe('INTERNAL');
  }
});
