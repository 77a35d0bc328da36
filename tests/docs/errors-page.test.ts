import { expect, test } from 'vitest';
import { ERRORS } from '../../src/error-texts.js';

interface Entry {
  readonly cause: string;
  readonly next: string;
  readonly http?: number;
  readonly retryable?: boolean;
}

/** `npx vitest run tests/docs -u` regenerates the page. */
test('the page of errors is the registry of errors', async () => {
  const rows = (Object.entries(ERRORS) as [string, Entry][])
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([code, { cause, next, http, retryable }]) => {
      const status = http === undefined ? '' : String(http);
      return `| \`${code}\` | ${cell(cause)} | ${cell(next)} | ${status} | ${retryable ? 'yes' : ''} |`;
    });
  const page = [
    '# Errors',
    '',
    'Every error that a user can meet has a code. Over GraphQL the code is in `extensions.code` and the next step in `extensions.next`. On the',
    'command line the code stands before the message, and the next step below it. The server masks and logs every other error: its message contains',
    'an id (`logId`) under which the log has the details. `limits.…`, `server.…`, `auth.…` and `database.…` are settings of `rivulet.config.ts`.',
    '',
    '| code | what happened | what to do | HTTP | may succeed later |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
  await expect(page).toMatchFileSnapshot('../../docs/errors.md');
});

test.each(Object.entries(ERRORS) as [string, Entry][])(
  '%s has a cause and a next step in whole sentences',
  (_code, entry) => {
    for (const text of [entry.cause, entry.next]) {
      expect(text).toMatch(/^[A-Z`].*[.]$/s);
      expect(text).not.toMatch(/\b(see the message|whoever|is told|are told|be told|is asked|mend)\b/i);
    }
  },
);

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
