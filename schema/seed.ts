import { getTableName, sql } from 'drizzle-orm';
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { comments } from './comments.js';
import { labels } from './labels.js';
import { members } from './members.js';
import { projects } from './projects.js';
import { taskLabels } from './task-labels.js';
import { tasks } from './tasks.js';
import { users } from './users.js';

/**
 * Fills an empty database with three people, the three projects of which each belongs to two, and a
 * dozen tasks. Once: where there is a user already, it changes nothing. All of it commits together,
 * or none.
 */
export async function seed(db: PostgresJsDatabase): Promise<void> {
  await db.transaction(async (tx) => {
    // Two that seed at once must not both find the table empty.
    await tx.execute(sql`lock table ${users} in share row exclusive mode`);
    if ((await tx.select({ id: users.id }).from(users).limit(1)).length > 0) return;

    await tx.insert(users).overridingSystemValue().values(USERS);
    await tx.insert(projects).overridingSystemValue().values(PROJECTS);
    await tx.insert(members).values(MEMBERS);
    await tx.insert(tasks).overridingSystemValue().values(TASKS);
    await tx.insert(comments).values(COMMENTS);
    await tx.insert(labels).overridingSystemValue().values(LABELS);
    await tx.insert(taskLabels).values(TASK_LABELS);

    for (const table of [users, projects, tasks, labels]) {
      await tx.execute(
        sql`select setval(pg_get_serial_sequence(${getTableName(table)}, 'id'), (select max(id) from ${table}))`,
      );
    }
  });
}

const ADA = 1;
const GRACE = 2;
const ALAN = 3;

const USERS = [
  { id: ADA, name: 'ada', email: 'ada@example.com' },
  { id: GRACE, name: 'grace', email: 'grace@example.com' },
  { id: ALAN, name: 'alan', email: 'alan@example.com' },
];

const ENGINE = 1;
const COMPILER = 2;
const BOMBE = 3;

const PROJECTS = [
  { id: ENGINE, name: 'Analytical Engine', ownerId: ADA },
  { id: COMPILER, name: 'Compiler', ownerId: GRACE },
  { id: BOMBE, name: 'Bombe', ownerId: ALAN },
];

const MEMBERS: (typeof members.$inferInsert)[] = [
  { projectId: ENGINE, userId: ADA, role: 'owner' },
  { projectId: ENGINE, userId: ALAN, role: 'editor' },
  { projectId: COMPILER, userId: GRACE, role: 'owner' },
  { projectId: COMPILER, userId: ADA, role: 'editor' },
  { projectId: BOMBE, userId: ALAN, role: 'owner' },
  { projectId: BOMBE, userId: GRACE, role: 'viewer' },
];

const TASKS: (typeof tasks.$inferInsert & { id: number })[] = [
  {
    id: 1,
    projectId: ENGINE,
    title: 'Punch the operation cards',
    status: 'doing',
    position: 1,
    assigneeId: ADA,
  },
  {
    id: 2,
    projectId: ENGINE,
    title: 'Compute Bernoulli numbers',
    position: 2,
    assigneeId: ADA,
    estimate: '12.50',
  },
  { id: 3, projectId: ENGINE, title: 'Cast the number wheels', position: 3, assigneeId: ALAN, priority: 2 },
  {
    id: 4,
    projectId: ENGINE,
    title: 'Write the notes',
    status: 'done',
    position: 4,
    meta: { notes: ['A', 'G'] },
  },
  {
    id: 5,
    projectId: COMPILER,
    title: 'Translate arithmetic',
    status: 'doing',
    position: 1,
    assigneeId: GRACE,
  },
  {
    id: 6,
    projectId: COMPILER,
    title: 'Link the subroutines',
    position: 2,
    assigneeId: ADA,
    estimate: '8.00',
  },
  {
    id: 7,
    projectId: COMPILER,
    title: 'Tape the moth into the log',
    status: 'done',
    position: 3,
    priority: 1,
  },
  {
    id: 8,
    projectId: COMPILER,
    title: 'Name the language',
    position: 4,
    description: 'Business people read it.',
  },
  {
    id: 9,
    projectId: BOMBE,
    title: 'Wire the drums',
    status: 'doing',
    position: 1,
    assigneeId: ALAN,
    priority: 3,
  },
  { id: 10, projectId: BOMBE, title: 'Find a crib', position: 2, assigneeId: GRACE, dueOn: '1940-03-18' },
  { id: 11, projectId: BOMBE, title: 'Draw up the menus', position: 3, meta: { letters: 26 } },
  { id: 12, projectId: BOMBE, title: 'Order more relays', status: 'done', position: 4, estimate: '1.25' },
];

const COMMENTS: (typeof comments.$inferInsert)[] = [
  { taskId: 1, authorId: ADA, body: 'The loom shows how.' },
  { taskId: 1, authorId: ALAN, body: 'How long may a program be?' },
  { taskId: 2, authorId: ALAN, body: 'Start from B1.' },
  { taskId: 5, authorId: GRACE, body: 'Easier to ask forgiveness than permission.' },
  { taskId: 6, authorId: ADA, body: 'Addresses are relative now.' },
  { taskId: 7, authorId: GRACE, body: 'First actual case found.' },
  { taskId: 9, authorId: ALAN, body: 'Thirty-six of them.' },
  { taskId: 10, authorId: GRACE, body: 'Weather reports begin alike every day.' },
];

const LABELS = [
  { id: 1, projectId: ENGINE, name: 'hardware', color: '#b45309' },
  { id: 2, projectId: ENGINE, name: 'mathematics', color: '#1d4ed8' },
  { id: 3, projectId: COMPILER, name: 'language', color: '#7c3aed' },
  { id: 4, projectId: COMPILER, name: 'bug', color: '#dc2626' },
  { id: 5, projectId: BOMBE, name: 'hardware', color: '#b45309' },
  { id: 6, projectId: BOMBE, name: 'cryptanalysis', color: '#047857' },
];

const TASK_LABELS = [
  { taskId: 1, labelId: 1 },
  { taskId: 2, labelId: 2 },
  { taskId: 3, labelId: 1 },
  { taskId: 4, labelId: 2 },
  { taskId: 5, labelId: 3 },
  { taskId: 7, labelId: 4 },
  { taskId: 8, labelId: 3 },
  { taskId: 9, labelId: 5 },
  { taskId: 10, labelId: 6 },
  { taskId: 11, labelId: 6 },
  { taskId: 12, labelId: 5 },
];
