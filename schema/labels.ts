import { integer, pgTable, text, unique } from 'drizzle-orm/pg-core';
import { projects } from './projects.js';

export const labels = pgTable(
  'labels',
  {
    id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
    projectId: integer('project_id')
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    color: text('color').notNull().default('#888888'),
  },
  (table) => [unique('labels_project_id_name_unique').on(table.projectId, table.name)],
);
