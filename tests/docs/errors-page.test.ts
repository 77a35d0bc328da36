import { expect, test } from 'vitest';
import { ERRORS } from '../../src/errors.js';

interface Entry {
  readonly cause: string;
  readonly next: string;
  readonly http?: number;
  readonly retryable?: boolean;
}

/** `npx vitest run tests/docs -u` writes the page anew. */
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
    'Every error that a user can meet has a code: in `extensions.code` over GraphQL, before the message on the command line. `next` says what to',
    'do about it and comes along in `extensions.next`. Whatever is not listed here is masked, logged, and named by an id in its message.',
    '',
    '| code | what happened | what to do | HTTP | may succeed later |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
  await expect(page).toMatchFileSnapshot('../../docs/errors.md');
});

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
