import {
  date,
  doublePrecision,
  index,
  integer,
  jsonb,
  numeric,
  pgEnum,
  pgTable,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';
import { projects } from './projects.js';
import { users } from './users.js';

export const status = pgEnum('status', ['todo', 'doing', 'done']);

export const tasks = pgTable(
  'tasks',
  {
    id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
    projectId: integer('project_id')
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    title: text('title').notNull(),
    description: text('description'),
    status: status('status').notNull().default('todo'),
    priority: integer('priority').notNull().default(0),
    /** Place on the board; a card that is dropped between two others gets the middle of theirs. */
    position: doublePrecision('position').notNull().default(0),
    assigneeId: integer('assignee_id').references(() => users.id, { onDelete: 'set null' }),
    dueOn: date('due_on'),
    estimate: numeric('estimate', { precision: 6, scale: 2 }),
    meta: jsonb('meta'),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
    updatedAt: timestamp('updated_at', { withTimezone: true })
      .notNull()
      .defaultNow()
      .$onUpdate(() => new Date()),
  },
  (table) => [
    index('tasks_project_id_status_position_index').on(table.projectId, table.status, table.position),
    index('tasks_assignee_id_index').on(table.assigneeId),
  ],
);
