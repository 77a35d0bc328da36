import { defineRelations } from 'drizzle-orm';
import { definePolicies } from '../../../src/policy/rules.js';
import { everything } from '../../property/filter-table.js';
import * as tables from './tables.js';

const {
  audits,
  folders,
  friendships,
  grants,
  groups,
  lines,
  oddities,
  oldOrders,
  orders,
  products,
  users,
  taxes,
} = tables;

export const secondRelations = defineRelations(
  {
    groups,
    grants,
    users,
    friendships,
    folders,
    orders,
    oldOrders,
    lines,
    products,
    taxes,
    audits,
    oddities,
    everything,
  },
  (r) => ({
    groups: {
      grants: r.many.grants({ from: r.groups.code, to: r.grants.groupCode }),
      orders: r.many.orders({ from: r.groups.code, to: r.orders.groupCode }),
    },
    grants: {
      group: r.one.groups({ from: r.grants.groupCode, to: r.groups.code, optional: false }),
    },
    users: {
      // To itself, both ways.
      friends: r.many.users({
        from: r.users.id.through(r.friendships.one),
        to: r.users.id.through(r.friendships.other),
        alias: 'friends',
      }),
      befriendedBy: r.many.users({
        from: r.users.id.through(r.friendships.other),
        to: r.users.id.through(r.friendships.one),
        alias: 'befriendedBy',
      }),
      // To one table by different keys.
      bought: r.many.orders({ from: r.users.id, to: r.orders.buyerId, alias: 'buyer' }),
      sold: r.many.orders({ from: r.users.id, to: r.orders.sellerId, alias: 'seller' }),
      // With a where, which the other side borrows.
      pending: r.many.orders({
        from: r.users.id,
        to: r.orders.buyerId,
        where: { state: 'in progress' },
        alias: 'pending',
      }),
      audits: r.many.audits({ from: r.users.id, to: r.audits.userId }),
    },
    folders: {
      group: r.one.groups({ from: r.folders.groupCode, to: r.groups.code, optional: false }),
      parent: r.one.folders({ from: r.folders.parentPath, to: r.folders.path, alias: 'tree' }),
      children: r.many.folders({ from: r.folders.path, to: r.folders.parentPath, alias: 'tree' }),
    },
    orders: {
      group: r.one.groups({ from: r.orders.groupCode, to: r.groups.code, optional: false }),
      buyer: r.one.users({ from: r.orders.buyerId, to: r.users.id, alias: 'buyer' }),
      seller: r.one.users({ from: r.orders.sellerId, to: r.users.id, alias: 'seller' }),
      pendingFor: r.one.users({ alias: 'pending' }),
      lines: r.many.lines({
        from: [r.orders.groupCode, r.orders.number],
        to: [r.lines.groupCode, r.lines.number],
      }),
      products: r.many.products({
        from: [r.orders.groupCode.through(r.lines.groupCode), r.orders.number.through(r.lines.number)],
        to: [r.products.id.through(r.lines.productId)],
      }),
    },
    lines: {
      order: r.one.orders({
        from: [r.lines.groupCode, r.lines.number],
        to: [r.orders.groupCode, r.orders.number],
        optional: false,
      }),
      product: r.one.products({ from: r.lines.productId, to: r.products.id }),
    },
    products: {
      tax: r.one.taxes({ from: r.products.taxRate, to: r.taxes.rate }),
    },
    taxes: {
      products: r.many.products({ from: r.taxes.rate, to: r.products.taxRate }),
    },
    audits: {
      user: r.one.users({ from: r.audits.userId, to: r.users.id }),
    },
  }),
);

export interface SecondContext {
  /** `null`: nobody. */
  readonly userId: string | null;
  readonly hasClearance: boolean;
}

const member = ({ userId }: SecondContext) => userId !== null && { group: { grants: { userId } } };
const cleared = { read: ({ hasClearance }: SecondContext) => hasClearance };

export const secondPolicies = definePolicies<typeof secondRelations, SecondContext>(secondRelations, {
  groups: { read: ({ userId }) => userId !== null && { grants: { userId } } },
  grants: { read: ({ userId }) => userId !== null && { userId } },
  users: {
    read: ({ userId }) => userId !== null,
    columns: { email: cleared, password: { read: false, write: false } },
  },
  // Who is whose friend is told to those two.
  friendships: { read: ({ userId }) => userId !== null && { OR: [{ one: userId }, { other: userId }] } },
  folders: {
    read: member,
    // Who reads one may not make one like it.
    insert: (context) => {
      const mine = member(context);
      return mine && { ...mine, title: { ne: 'locked' } };
    },
    update: (context) => {
      const mine = member(context);
      return mine && { ...mine, title: { ne: 'locked' } };
    },
    delete: member,
  },
  orders: {
    read: member,
    insert: member,
    update: {
      check: member,
      columns: ['number', 'groupCode', 'state', 'buyerId', 'sellerId', 'note', 'cost'],
    },
    delete: (context) => {
      const mine = member(context);
      return mine && { ...mine, state: 'done' };
    },
    columns: { cost: { ...cleared, write: cleared.read } },
  },
  oldOrders: { read: true },
  lines: {
    read: ({ userId }) => userId !== null && { order: { group: { grants: { userId } } } },
    insert: ({ userId }) => userId !== null && { order: { group: { grants: { userId } } } },
  },
  products: { read: { withdrawn: false } },
  taxes: { read: true },
  oddities: { read: true, insert: true, update: true },
  everything: { read: true, insert: true, update: true, delete: true },
});
