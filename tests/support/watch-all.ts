import type { Model } from '../../shared/model/types.js';
import { defaultWatchers } from '../../src/watch/default-watchers.js';
import { install } from '../../src/watch/install.js';
import { planWatchers } from '../../src/watch/plan.js';
import type { TestDatabase } from './database.js';

/** Installs the watchers of every table of a model. */
export async function watchAll(database: TestDatabase, model: Model): Promise<void> {
  await install(
    database.db,
    planWatchers(
      model,
      defaultWatchers(model, () => true),
    ),
  );
}
