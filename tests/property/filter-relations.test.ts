import { defineRelations } from 'drizzle-orm';
import { boolean, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import fc from 'fast-check';
import postgres from 'postgres';
import { afterAll, expect, test } from 'vitest';
import { parseFilter } from '../../shared/filter/parse.js';
import { filterToSql } from '../../src/filter/sql.js';
import { readModel } from '../../src/model/read.js';
import { StatementParams } from '../../src/sql/statement.js';
import { createDatabase } from '../support/database.js';
import { propertyOptions } from '../support/property.js';

const teams = pgTable('The "Teams"', { id: integer().primaryKey(), name: text(), open: boolean() });
const people = pgTable('people', {
  id: integer().primaryKey(),
  name: text('select'),
  active: boolean(),
  teamId: integer('team id'),
  managerId: integer('manager_id'),
});
const skills = pgTable('skills', { area: text(), no: integer(), level: integer() }, (t) => [
  primaryKey({ columns: [t.area, t.no] }),
]);
const personSkills = pgTable(
  'person_skills',
  { personId: integer('person_id'), area: text(), no: integer() },
  (t) => [primaryKey({ columns: [t.personId, t.area, t.no] })],
);

const relations = defineRelations({ teams, people, skills, personSkills }, (r) => ({
  teams: {
    people: r.many.people({ from: r.teams.id, to: r.people.teamId }),
    activePeople: r.many.people({
      from: r.teams.id,
      to: r.people.teamId,
      where: { active: true },
      alias: 'active',
    }),
    skills: r.many.people({
      from: r.teams.id,
      to: r.people.teamId,
      where: { name: { in: ['a', 'b'] } },
      alias: 'ab',
    }),
  },
  people: {
    team: r.one.teams({ from: r.people.teamId, to: r.teams.id }),
    activeTeam: r.one.teams({ alias: 'active' }),
    openTeam: r.one.teams({ from: r.people.teamId, to: r.teams.id, where: { open: true } }),
    manager: r.one.people({ from: r.people.managerId, to: r.people.id, alias: 'manager' }),
    reports: r.many.people({ from: r.people.id, to: r.people.managerId, alias: 'reports' }),
    skills: r.many.skills({
      from: r.people.id.through(r.personSkills.personId),
      to: [r.skills.area.through(r.personSkills.area), r.skills.no.through(r.personSkills.no)],
      where: { level: { gte: 1 } },
      alias: 'skilled',
    }),
  },
  skills: {
    people: r.many.people({
      from: [r.skills.area.through(r.personSkills.area), r.skills.no.through(r.personSkills.no)],
      to: r.people.id.through(r.personSkills.personId),
      alias: 'all',
    }),
  },
}));

const model = readModel(relations);
const database = await createDatabase({
  setup: `
    create table "The ""Teams""" (id integer primary key, name text, open boolean);
    create table people (id integer primary key, "select" text, active boolean, "team id" integer, manager_id integer);
    create table skills (area text, no integer, level integer, primary key (area, no));
    create table person_skills (person_id integer, area text, no integer, primary key (person_id, area, no));
    insert into "The ""Teams""" values (1, 'a', true), (2, 'b', false), (3, null, null);
    insert into people
      select n, (array['a', 'b', null])[1 + n % 3], (array[true, false, null])[1 + n / 3 % 3],
        (array[1, 2, 3, 9, null])[1 + n * 7 % 5], nullif(n * 3 % 11, 0)
      from generate_series(1, 40) n;
    insert into skills select a, n, n - 1 from unnest(array['x', 'y']) a, generate_series(1, 3) n;
    insert into person_skills select p, a, 1 + (p + ascii(a)) % 3 from generate_series(1, 40) p, unnest(array['x', 'y']) a where p % 4 < 2;
  `,
});
const client = postgres(database.url, { max: 1 });
const orm = drizzle({ client, relations });
afterAll(() => client.end());

const operators = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof(
    values,
    fc.record({ eq: values }),
    fc.record({ ne: values, isNotNull: fc.constant(true) }),
    fc.record({ in: fc.array(values, { maxLength: 3 }) }),
    fc.record({ notIn: fc.array(values, { maxLength: 3 }) }),
    fc.record({ gt: values }, { requiredKeys: [] }),
    fc.constant({ isNull: true }),
    fc.record({ NOT: fc.record({ eq: values }) }),
    fc.record({ OR: fc.array(fc.record({ lte: values }), { minLength: 1, maxLength: 2 }) }),
  );

const names = operators(fc.constantFrom('a', 'b', 'c'));
const numbers = operators(fc.integer({ min: 0, max: 10 }));
const flags = fc.oneof(fc.boolean(), fc.constant({ isNull: true }), fc.record({ ne: fc.boolean() }));

type Where = Record<string, unknown>;
const { person } = fc.letrec<{ team: Where; person: Where; skill: Where }>((tie) => {
  const related = (name: 'team' | 'person' | 'skill') =>
    fc.oneof({ weight: 1, arbitrary: fc.boolean() }, { weight: 3, arbitrary: tie(name) });
  const logic = (name: 'team' | 'person' | 'skill') => ({
    AND: fc.array(tie(name), { minLength: 1, maxLength: 2 }),
    OR: fc.array(tie(name), { minLength: 1, maxLength: 2 }),
    NOT: tie(name),
  });
  const some = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Where> =>
    fc
      .uniqueArray(fc.constantFrom(...Object.keys(fields)), { maxLength: 2 })
      .chain((chosen) => fc.record(Object.fromEntries(chosen.map((name) => [name, fields[name]!]))));
  const depth = { maxDepth: 4, depthIdentifier: 'where' };
  return {
    team: fc.oneof(
      depth,
      some({ id: numbers, name: names, open: flags }),
      some({ people: related('person'), activePeople: related('person'), ...logic('team') }),
    ),
    person: fc.oneof(
      depth,
      some({ id: numbers, name: names, active: flags, teamId: numbers }),
      some({
        team: related('team'),
        activeTeam: related('team'),
        openTeam: related('team'),
        manager: related('person'),
        reports: related('person'),
        skills: related('skill'),
        ...logic('person'),
      }),
    ),
    skill: fc.oneof(
      depth,
      some({ area: fc.constantFrom('x', 'y'), level: numbers }),
      some({ people: related('person'), ...logic('skill') }),
    ),
  };
});

test('a filter through relations finds the rows that Drizzle finds', async () => {
  let found = 0;
  let runs = 0;
  const property = fc.asyncProperty(person, async (where) => {
    const theirs = await orm.query.people.findMany({ columns: { id: true }, where, orderBy: { id: 'asc' } });
    const params = new StatementParams();
    const condition = filterToSql(model, parseFilter(model, model.table('people'), where), 't0', params);
    const ours = await database.query(
      `select t0.id::text from people as t0 where ${condition} order by t0.id`,
      ...params.values,
    );
    expect(ours.map(([id]) => Number(id))).toEqual(theirs.map(({ id }) => id));
    runs++;
    if (ours.length > 0 && ours.length < 40) found++;
  });
  await fc.assert(property, propertyOptions(1_500));
  expect(found / runs).toBeGreaterThan(0.25);
}, 120_000);
