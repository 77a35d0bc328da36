import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: ['users', 'projects', 'members', 'tasks', 'comments', 'labels', 'task-labels'].map(
    (name) => `./schema/${name}.ts`,
  ),
  out: './drizzle',
});
