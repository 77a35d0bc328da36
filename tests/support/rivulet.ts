import { drizzle } from 'drizzle-orm/postgres-js';
import pino from 'pino';
import postgres from 'postgres';
import { afterAll } from 'vitest';
import { policies } from '../../schema/policies.js';
import { relations } from '../../schema/relations.js';
import { tasks } from '../../schema/tasks.js';
import { createRivulet, defineConfig, watchers } from '../../src/index.js';
import { watchPlanOf } from '../../src/server/engine/watch-plan.js';
import { defaultWatchers } from '../../src/watch/default-watchers.js';
import { watchSql } from '../../src/watch/watch-sql.js';
import { createDatabase } from './database.js';
import { exampleModel, exampleTables } from './example.js';

/** No Drizzle schema describes it. */
const auditTable = `create table audit (
  "No." bigint primary key, note text, at timestamptz not null default '2026-01-02T03:04:05Z', amount numeric(6, 2), tags text[], extra text
)`;

const audit = { sqlName: 'audit', columns: ['note', 'at', 'amount', 'tags'], key: ['No.'] };

export const rivuletConfig = defineConfig({
  relations,
  policies,
  watchers: [
    ...defaultWatchers(exampleModel, () => true),
    ...watchers(tasks, { label: 'moved', columns: ['status'] }).and(tasks, {
      label: 'moved',
      columns: ['projectId'],
    }),
    ...watchers(tasks, { label: 'any task' }),
    ...watchers(audit, { label: 'audit', extraColumns: ['extra'] }),
  ],
});

/** The example without a server, with people and projects; to be called at the top level of a test file. */
export async function startRivulet() {
  const plan = watchPlanOf(rivuletConfig as never, exampleModel);
  const database = await createDatabase({
    setup: `${exampleTables()};\n${auditTable};\n${watchSql(plan)};\n${rows}`,
  });
  const start = (config = rivuletConfig) =>
    createRivulet(config, {
      environment: {},
      databaseUrl: database.url,
      logger: pino({ level: 'silent' }),
      pollMs: 20,
    });
  const rivulet = await start();
  const client = postgres(database.url, { max: 2, onnotice: () => {} });
  afterAll(async () => {
    await rivulet.stop();
    await client.end();
  });
  return { database, rivulet, start, db: drizzle({ client, relations }) };
}

/** Ada (1) owns project 1 and writes in 2, Grace (2) reads 2. */
const rows = `
  insert into users (name, email) values ('ada', 'ada@example.com'), ('grace', 'grace@example.com'), ('alan', 'alan@example.com');
  insert into projects (name, owner_id) values ('one', 1), ('two', 1), ('three', 3);
  insert into members (project_id, user_id, role) values (1, 1, 'owner'), (2, 1, 'editor'), (2, 2, 'viewer');
  insert into labels (project_id, name) values (1, 'bug'), (2, 'idea');
`;
