import type { Model, ModelTable } from '../../shared/model/types.js';
import type { WatcherSpec } from './types.js';

/**
 * The watched tables without declarations: every exposed table and all tables that its relations
 * reach. Junction tables are included, because a policy or filter through a relation depends on
 * their rows too.
 */
export function defaultWatchers(
  model: Model,
  exposed: (table: ModelTable) => boolean,
): readonly WatcherSpec[] {
  const reached = new Set<ModelTable>();
  const queue = model.tables.filter(exposed);
  for (let table = queue.pop(); table; table = queue.pop()) {
    if (reached.has(table)) continue;
    reached.add(table);
    for (const relation of table.relations) {
      queue.push(model.table(relation.target));
      if (relation.through) queue.push(model.table(relation.through.table));
    }
  }
  return model.tables.filter((table) => reached.has(table)).map((table) => ({ table: table.name }));
}
