import { describe, expect, test } from 'vitest';
import { parseOrder } from '../../../shared/filter/order.js';
import { orderToSql } from '../../../src/filter/order-sql.js';
import { exampleModel as model } from '../../support/example.js';

const tasks = model.table('tasks');
const sqlOf = (input?: unknown) => orderToSql(parseOrder(tasks, input), 't0');

describe('an order', () => {
  test('ends with the primary key, so that it is total', () => {
    expect(sqlOf()).toBe('t0."id" asc');
    expect(sqlOf([{ createdAt: 'DESC' }])).toBe('t0."created_at" desc, t0."id" asc');
    const members = orderToSql(parseOrder(model.table('members'), { userId: 'DESC' }), 'm');
    expect(members).toBe('m."user_id" desc, m."project_id" asc');
  });

  test('keeps the key where it is named', () => {
    expect(sqlOf([{ id: 'DESC' }, { title: 'ASC' }])).toBe('t0."id" desc, t0."title" asc');
  });

  test('knows where NULLs go, and Drizzle’s spelling', () => {
    expect(sqlOf([{ dueOn: 'ASC_NULLS_FIRST' }])).toBe('t0."due_on" asc nulls first, t0."id" asc');
    expect(sqlOf({ dueOn: 'desc', title: 'asc' })).toBe('t0."due_on" desc, t0."title" asc, t0."id" asc');
  });

  test('counts a column named twice where it first stands', () => {
    expect(sqlOf([{ title: 'DESC' }, { title: 'ASC' }])).toBe('t0."title" desc, t0."id" asc');
  });

  test.each([
    [[{ nope: 'ASC' }], 'FILTER_UNKNOWN_FIELD'],
    [JSON.parse('[{"__proto__": "ASC"}]'), 'FILTER_UNKNOWN_FIELD'],
    [[{ constructor: 'ASC' }], 'FILTER_UNKNOWN_FIELD'],
    [[{ project: 'ASC' }], 'FILTER_UNKNOWN_FIELD'],
    [[{ title: 'UP' }], 'ORDER_INVALID'],
    [[{ title: 'asc; drop table tasks' }], 'ORDER_INVALID'],
    [[{ title: null }], 'ORDER_INVALID'],
    [[{ meta: 'ASC' }], 'ORDER_INVALID'],
    [['title'], 'ORDER_INVALID'],
    ['title', 'ORDER_INVALID'],
  ])('%j is refused', (input, code) => {
    expect(() => parseOrder(tasks, input)).toThrow(expect.objectContaining({ code }));
  });
});
