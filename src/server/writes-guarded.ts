import type { Database } from '../database/types.js';

/** A database in whose transactions nothing is done once `assertRights` throws, however long they waited for a connection. */
export function writesGuarded(database: Database, assertRights: () => void): Database {
  return {
    ...database,
    transaction: (work, options) =>
      database.transaction(async (tx) => {
        assertRights();
        return work(tx);
      }, options),
  };
}
