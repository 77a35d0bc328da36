import { index, integer, pgTable, primaryKey } from 'drizzle-orm/pg-core';
import { labels } from './labels.js';
import { tasks } from './tasks.js';

export const taskLabels = pgTable(
  'task_labels',
  {
    taskId: integer('task_id')
      .notNull()
      .references(() => tasks.id, { onDelete: 'cascade' }),
    labelId: integer('label_id')
      .notNull()
      .references(() => labels.id, { onDelete: 'cascade' }),
  },
  (table) => [
    primaryKey({ columns: [table.taskId, table.labelId] }),
    index('task_labels_label_id_index').on(table.labelId),
  ],
);
