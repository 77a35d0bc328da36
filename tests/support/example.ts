import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { policies } from '../../schema/policies.js';
import { relations } from '../../schema/relations.js';
import { readModel } from '../../src/model/read.js';

/** The example application's model, shared by the tests that need a real schema. */
export const exampleModel = readModel(relations);
export const examplePolicies = policies;

/** The SQL of the example's tables: its migrations without the watchers'. */
export function exampleTables(): string {
  const folder = fileURLToPath(new URL('../../drizzle', import.meta.url));
  return readdirSync(folder)
    .filter((name) => name.endsWith('_tables'))
    .sort()
    .map((name) => readFileSync(`${folder}/${name}/migration.sql`, 'utf8'))
    .join('\n');
}
