import { sql } from 'drizzle-orm';
import { integer, pgTable } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/postgres-js';
import { expect, expectTypeOf, test } from 'vitest';
import { comments, projects, relations, tasks, type users } from '../../schema/index.js';
import { policies } from '../../schema/policies.js';
import type { RivuletApi } from '../../src/api/types.js';
import { createRivulet, createServer, defineConfig } from '../../src/index.js';

/** The compiler is the judge: nothing here runs. Each `@ts-expect-error` must be an error. */
declare const api: RivuletApi<typeof relations>;
const db = drizzle.mock({ relations });

type MessageOf<T> = T extends AsyncIterableIterator<infer M> ? M : never;
type NodeOf<T> =
  MessageOf<T> extends { readonly changes: readonly (infer C)[] }
    ? C extends { readonly kind: 'ENTER'; readonly node: infer N }
      ? N
      : never
    : never;
type FoundBy<T> = T extends PromiseLike<(infer N)[]> ? N : never;

function nodes() {
  const plain = () => api.changes(tasks);
  const plainFound = () => db.query.tasks.findMany();
  expectTypeOf<NodeOf<ReturnType<typeof plain>>>().toEqualTypeOf<FoundBy<ReturnType<typeof plainFound>>>();

  const one = () => api.changes(tasks, { with: { project: true, assignee: true } });
  const oneFound = () => db.query.tasks.findMany({ with: { project: true, assignee: true } });
  expectTypeOf<NodeOf<ReturnType<typeof one>>>().toEqualTypeOf<FoundBy<ReturnType<typeof oneFound>>>();

  const deep = () => api.changes(projects, { with: { tasks: { comments: { author: true }, labels: true } } });
  const deepFound = () =>
    db.query.projects.findMany({
      with: { tasks: { with: { comments: { with: { author: true } }, labels: true } } },
    });
  expectTypeOf<NodeOf<ReturnType<typeof deep>>>().toEqualTypeOf<FoundBy<ReturnType<typeof deepFound>>>();

  const filtered = () =>
    api.changes(comments, {
      with: { author: { where: { name: { like: 'a%' } } }, task: { with: { project: true } } },
    });
  const filteredFound = () =>
    db.query.comments.findMany({
      with: { author: { where: { name: { like: 'a%' } } }, task: { with: { project: true } } },
    });
  expectTypeOf<NodeOf<ReturnType<typeof filtered>>>().toEqualTypeOf<
    FoundBy<ReturnType<typeof filteredFound>>
  >();
}

async function messages() {
  for await (const message of api.changes(tasks, { with: { comments: { author: true } } })) {
    expectTypeOf(message.cursor).toEqualTypeOf<string>();
    expectTypeOf(message.related.comments.links[0]!.kind).toEqualTypeOf<'ENTER' | 'LEAVE'>();
    // @ts-expect-error not followed
    message.related.labels;
    // @ts-expect-error has none below
    message.related.comments.related.author.related.memberships;
    for (const change of message.related.comments.related.author.changes) {
      if (change.kind === 'UPDATE') {
        expectTypeOf(change.node).toEqualTypeOf<typeof users.$inferSelect>();
        expectTypeOf(change.previous).toEqualTypeOf<typeof users.$inferSelect | null>();
        expectTypeOf(change.changedColumns).toEqualTypeOf<readonly (keyof typeof users.$inferSelect)[]>();
      }
    }
    for (const change of message.changes) {
      expectTypeOf(await api.get(change)).toEqualTypeOf<typeof tasks.$inferSelect | null>();
      if (change.kind === 'LEAVE') expectTypeOf(change.node).toEqualTypeOf<null>();
      else {
        expectTypeOf(change.node.comments[0]!.author.email).toEqualTypeOf<string>();
        // @ts-expect-error not loaded
        change.node.labels;
      }
    }
  }
}

async function guarded() {
  for await (const { changes } of api.changes(tasks, { as: { userId: 1 }, with: { project: true } })) {
    for (const change of changes) {
      if (change.kind !== 'ENTER') continue;
      // A column may be hidden, and a row that must be there may not be visible.
      expectTypeOf(change.node.title).toEqualTypeOf<string | undefined>();
      // @ts-expect-error may be null
      change.node.project.name;
      expectTypeOf(change.node.project?.name).toEqualTypeOf<string | undefined>();
    }
  }
}

function mistakes() {
  // @ts-expect-error not in the relations config
  api.changes(pgTable('aliens', { id: integer().primaryKey() }));
  // @ts-expect-error no table
  api.changes({});
  // @ts-expect-error no such relation
  api.changes(tasks, { with: { nope: true } });
  // @ts-expect-error no such relation, beside one that is there
  api.changes(tasks, { with: { comments: true, nope: true } });
  // @ts-expect-error no such relation below
  api.changes(tasks, { with: { comments: { author: true, nope: true } } });
  // @ts-expect-error no such relation below, written out
  api.changes(tasks, { with: { comments: { with: { nope: true } } } });
  // @ts-expect-error relations beside `where` stand in `with`
  api.changes(tasks, { with: { comments: { where: { body: 'a' }, author: true } } });
  // @ts-expect-error no such column
  api.changes(tasks, { where: { titel: 'a' } });
  // @ts-expect-error no such column, beside one that is there
  api.changes(tasks, { where: { title: 'a', titel: 'a' } });
  // @ts-expect-error no such value
  api.changes(tasks, { where: { status: 'nope' } });
  // @ts-expect-error no such column of the related table
  api.changes(tasks, { where: { project: { members: { nope: 1 } } } });
  // @ts-expect-error no such column in the filter of a relation
  api.changes(tasks, { with: { comments: { where: { nope: 1 } } } });
  // @ts-expect-error RAW cannot be evaluated on changes
  api.changes(tasks, { where: { RAW: sql`true` } });
  // @ts-expect-error no such operation
  api.changes(tasks, { ops: ['INSERTED'] });
  // @ts-expect-error no such column
  api.changes(tasks, { columns: ['titel'] });
  // @ts-expect-error no such option
  api.changes(tasks, { colums: ['title'] });
  // @ts-expect-error a row of another table
  api.changes(tasks, { rows: { body: 'a' } });
  // @ts-expect-error no change
  void api.get({ id: 1 });
  // @ts-expect-error no table of a schema
  void api.subscriptions({});
}

async function servers() {
  const config = defineConfig({ relations, policies, context: () => ({ userId: 1 }) });
  const rivulet = await createRivulet(config);
  expectTypeOf<(typeof rivulet)['changes']>().toEqualTypeOf<RivuletApi<typeof relations>['changes']>();
  const server = await createServer(config);
  // @ts-expect-error no such relation
  server.changes(tasks, { with: { nope: true } });

  // A configuration whose schema is not in its type serves rows without relations' types.
  const untyped = await createRivulet(config as ReturnType<typeof defineConfig>);
  for await (const { changes } of untyped.changes(tasks, { with: { comments: true } })) {
    expectTypeOf(changes[0]!.key).toEqualTypeOf<string>();
  }
  for await (const { changes } of untyped.changes<{ readonly at: Date }>('audit')) {
    if (changes[0]?.kind === 'ENTER') expectTypeOf(changes[0].node.at).toEqualTypeOf<Date>();
  }
}

test('compile as the schema says', () => {
  expect([nodes, messages, guarded, mistakes, servers]).toHaveLength(5);
});
