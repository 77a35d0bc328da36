import config from '../../../rivulet.config.js';
import type { RivuletConfig } from '../../../src/server/engine/config.js';
import { watchPlanOf } from '../../../src/server/engine/watch-plan.js';
import { watchSql } from '../../../src/watch/watch-sql.js';
import { exampleModel, exampleTables } from '../example.js';

/** How much there is of the example's application. */
export interface Size {
  readonly users: number;
  /** Projects in which nobody's rights change; one more, the last, is where they do. */
  readonly projects: number;
  readonly tasksPerProject: number;
}

export const SMALL: Size = { users: 4, projects: 3, tasksPerProject: 6 };

/** The project of which everybody is a member at first, and whose members come and go. */
export const disputedProject = (size: Size): number => size.projects + 1;

/** The projects of which a user is a member for good. */
export function ownProjects(size: Size, userId: number): readonly number[] {
  return [1 + (userId % size.projects), 1 + ((userId + 1) % size.projects)];
}

/**
 * Tables, watchers and rows, and the ledger: a table, not watched, to which every transaction of a writer adds what it did. Every row that is
 * watched carries a version: `position` of a task, the number in the `body` of a comment and in the `name` of a user.
 */
export function applicationSql(size: Size): string {
  const all = size.projects + 1;
  const users = range(size.users);
  const memberships = users.flatMap((user) =>
    [...new Set([...ownProjects(size, user), all])].map((project) => `(${project}, ${user}, 'editor')`),
  );
  const tasks = range(all * size.tasksPerProject).map(
    (task) => `(${1 + ((task - 1) % all)}, 'task ${task}', 0, repeat('wide ', 100))`,
  );
  return `
    ${exampleTables()};
    ${watchSql(watchPlanOf(config as RivuletConfig, exampleModel))};
    create table ledger (n bigserial primary key, xid text not null default pg_current_xact_id()::text, effects jsonb not null);
    create sequence membership_version;
    insert into users (name, email) values ${users.map((user) => `('v0', 'user${user}@example.com')`).join()};
    insert into projects (name, owner_id) select 'project ' || i, 1 from generate_series(1, ${all}) i;
    insert into members (project_id, user_id, role) values ${memberships.join()};
    insert into tasks (project_id, title, position, description) values ${tasks.join()};
    insert into comments (task_id, author_id, body) select id, 1, 'v0' from tasks where id % 2 = 0;`;
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}
