import { expect, test } from 'vitest';
import { verdictLines } from '../../../src/cli/doctor.js';
import type { WatcherDrift } from '../../../src/watch/drift.js';
import type { WatchedTable } from '../../../src/watch/types.js';

const named = (sqlName: string) => ({ sqlSchema: 'public', sqlName }) as WatchedTable;
const drift = (sqlName: string, rest: Partial<WatcherDrift>): WatcherDrift => ({
  kind: 'refused',
  table: { sqlSchema: 'public', sqlName },
  message: '',
  mend: '',
  effect: 'unread',
  ...rest,
});

test('each table has a line with its verdict and the codes of what was found', () => {
  const plan = { tables: ['a', 'b', 'c', 'd', 'e'].map(named), labels: [] };
  const drifts = [
    drift('b', { code: 'TABLE_ROW_SECURITY' }),
    drift('b', { code: 'TABLE_UNLOGGED', effect: 'unseen' }),
    drift('c', { kind: 'noted', code: 'ROW_SECURITY_BYPASSED', effect: 'none' }),
    drift('d', { kind: 'missing', effect: 'unseen' }),
    drift('e', { kind: 'leftover', effect: 'none' }),
  ];
  expect(verdictLines(plan, drifts)).toEqual([
    'served   public.a',
    'refused  public.b  TABLE_ROW_SECURITY  TABLE_UNLOGGED',
    'served   public.c  ROW_SECURITY_BYPASSED',
    'refused  public.d  TABLE_DRIFTED',
    'served   public.e',
  ]);
});
