import { defineRelations } from 'drizzle-orm';
import { integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { definePolicies } from '../../src/policy/rules.js';
import type { RivuletConfig } from '../../src/server/engine/config.js';
import type { Rights } from '../targets/target-api.js';

const items = pgTable('items', {
  id: integer().primaryKey(),
  topic: integer().notNull(),
  owner: text().notNull(),
  title: text().notNull(),
  body: text().notNull(),
  amount: integer().notNull(),
  team: integer().notNull(),
});

const members = pgTable('members', { team: integer().notNull(), member: text().notNull() }, (table) => [
  primaryKey({ columns: [table.team, table.member] }),
]);

const relations = defineRelations({ items, members }, (r) => ({
  items: { members: r.many.members({ from: r.items.team, to: r.members.team }) },
  members: {},
}));

interface Context {
  /** `null`: sees everything. */
  readonly owner: string | null;
}

/** The application that all subjects serve: one table, rows of about 300 bytes; and who is a member of what team, for policies that ask that. */
export function applicationOf(rights: Rights): RivuletConfig {
  const ownAndPublic = (owner: string) => ({ OR: [{ owner: { eq: owner } }, { amount: { gte: 0 } }] });
  const own = (owner: string) => ({ owner: { eq: owner } });
  const ofTeam = (owner: string) => ({ members: { member: { eq: owner } } });
  const of = { owner: own, 'own and public': ownAndPublic, team: ofTeam }[rights];
  return {
    relations,
    policies: definePolicies<typeof relations, Context>(relations, {
      items: { read: ({ owner }) => (owner === null ? true : of(owner)) },
      members: { read: true },
    }),
    context: (claims): Context => ({ owner: claims?.sub ?? null }),
  } as RivuletConfig;
}

/** Item n is of topic n and belongs to `owner-<n modulo owners>`; all are of one team, whose members all owners are. */
export function itemsSql(rows: number, owners: number): string {
  return `
    create table items (id integer primary key, topic integer not null, owner text not null, title text not null,
      body text not null, amount integer not null, team integer not null) with (fillfactor = 50);
    insert into items select n, n, 'owner-' || n % ${owners}, 'none', repeat('text of an item. ', 15), 0, 0
      from generate_series(0, ${rows - 1}) as n;
    create table members (team integer, member text, primary key (team, member));
    insert into members select 0, 'owner-' || n from generate_series(0, ${owners - 1}) as n;
    vacuum analyze items, members;`;
}

/** What tutorials write: a row trigger that notifies with the row as JSON. */
export const NOTIFY_ROW_SQL = `
  create function notify_item() returns trigger language plpgsql as $$
  begin
    perform pg_notify('item_changed', row_to_json(new)::text);
    return new;
  end $$;
  create trigger item_changed after insert or update on items for each row execute function notify_item();`;

/** The least that a reader must be told: which change it is. */
export const NOTIFY_LEAST_SQL = `
  create function notify_item() returns trigger language plpgsql as $$
  begin
    perform pg_notify('item_changed', new.topic || ' ' || new.title);
    return new;
  end $$;
  create trigger item_changed after insert or update on items for each row execute function notify_item();`;

/** Signs the tokens of subscribers. */
export const SECRET = 'a secret of the benchmark, long enough';
