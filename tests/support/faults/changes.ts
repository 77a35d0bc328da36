import type { ChangeSql } from './commits.js';

const TASK = `'tasks' as t, id::text as k, position::bigint as v, project_id as p`;
const ids = (numbers: readonly number[]): string => `any ('{${numbers.join()}}'::int[])`;

/** Changes of the application's rows, each of which says what it did. Every one raises the versions of the rows it touches. */
export const changes = {
  touchTasks: (tasks: readonly number[]): ChangeSql =>
    `update tasks set position = position + 1 where id = ${ids(tasks)} returning ${TASK}, false as g`,

  touchProject: (project: number): ChangeSql =>
    `update tasks set position = position + 1 where project_id = ${project} returning ${TASK}, false as g`,

  addTask: (project: number): ChangeSql =>
    `insert into tasks (project_id, title, position) values (${project}, 'added', 1) returning ${TASK}, false as g`,

  addTasks: (project: number, count: number): ChangeSql =>
    `insert into tasks (project_id, title, position) select ${project}, 'added', 1 from generate_series(1, ${count})
     returning ${TASK}, false as g`,

  /** Of those that were added, at most so many; all of them have no comments. */
  removeTasks: (count: number): ChangeSql =>
    `delete from tasks where id in (select id from tasks where title = 'added' order by id limit ${count} for update skip locked)
     returning 'tasks' as t, id::text as k, (position + 1)::bigint as v, project_id as p, true as g`,

  /** One that was added gets to another project. */
  moveTask: (project: number): ChangeSql =>
    `update tasks set project_id = ${project}, position = position + 1
     where id in (select id from tasks where title = 'added' order by random() limit 1 for update skip locked)
     returning ${TASK}, false as g`,

  touchUsers: (users: readonly number[]): ChangeSql =>
    `update users set name = 'v' || (substr(name, 2)::bigint + 1) where id = ${ids(users)}
     returning 'users' as t, id::text as k, substr(name, 2)::bigint as v, null::int as p, false as g`,

  /** Any so many. */
  touchComments: (count: number): ChangeSql =>
    `update comments c set body = 'v' || (substr(c.body, 2)::bigint + 1) from tasks o
     where o.id = c.task_id and c.id in (select id from comments order by random() limit ${count})
     returning 'comments' as t, c.id::text as k, substr(c.body, 2)::bigint as v, o.project_id as p, false as g`,

  /** Below one of the tasks that stay where they are. */
  addComment: (task: number): ChangeSql =>
    `insert into comments (task_id, author_id, body) select id, 1, 'v1' from tasks where id = ${task} and title <> 'added'
     returning 'comments' as t, id::text as k, 1 as v, (select project_id from tasks where id = task_id) as p, false as g`,

  removeComment: (oldest: number): ChangeSql =>
    `delete from comments where id in (select id from comments order by id offset ${oldest} limit 1 for update skip locked)
     returning 'comments' as t, id::text as k, substr(body, 2)::bigint + 1 as v,
       (select project_id from tasks where id = task_id) as p, true as g`,

  /** All comments as gone, for a TRUNCATE that follows under the lock that was taken before. */
  noteAllComments: (): ChangeSql =>
    `select 'comments' as t, c.id::text as k, substr(c.body, 2)::bigint + 1 as v, o.project_id as p, true as g
     from comments c join tasks o on o.id = c.task_id`,

  revoke: (project: number, user: number): ChangeSql =>
    `delete from members where project_id = ${project} and user_id = ${user}
     returning 'members' as t, project_id || ':' || user_id as k, nextval('membership_version') as v, project_id as p, true as g`,

  grant: (project: number, user: number): ChangeSql =>
    `insert into members (project_id, user_id, role) values (${project}, ${user}, 'editor') on conflict do nothing
     returning 'members' as t, project_id || ':' || user_id as k, nextval('membership_version') as v, project_id as p, false as g`,
} as const;

/** Every row as it is now, as effects. */
export const EVERYTHING = `
  select 'tasks' as t, id::text as k, position::bigint as v, project_id as p from tasks
  union all select 'users', id::text, substr(name, 2)::bigint, null from users
  union all select 'comments', c.id::text, substr(c.body, 2)::bigint, o.project_id from comments c join tasks o on o.id = c.task_id
  union all select 'members', project_id || ':' || user_id, 0, project_id from members`;
