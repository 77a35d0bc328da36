import { RivuletError } from '../../shared/errors.js';
import { codeOf, SQLSTATE } from '../database/errors.js';
import type { Database, TextRow } from '../database/types.js';

/** Deleting the rows of another history takes as long as there are rows. */
const WITHIN = { prepare: false, silenceMs: 600_000 };

/**
 * Begins the log anew where its history is not the database's: after a standby was promoted, in a
 * clone, in another cluster. Cursors of before are then of another log. What was logged in another
 * cluster is deleted: its transaction ids mean nothing here. Of several nodes one does it. Does
 * nothing otherwise, and on a standby.
 *
 * Rejects with LOG_MOVED where the user may not.
 */
export async function renewLog(database: Database): Promise<void> {
  const [row] = await database.query({
    text: 'select (l.history <> rivulet.history())::text from rivulet.log l',
    params: [],
  });
  if (row?.[0] !== 'true') return;
  try {
    await database.transaction(async (tx) => {
      const ask = (text: string): Promise<readonly TextRow[]> => tx.query({ text, params: [] }, WITHIN);
      const [log] = await ask(
        `select (split_part(l.history, '/', 1) || split_part(l.history, '/', 2)
            <> split_part(rivulet.history(), '/', 1) || split_part(rivulet.history(), '/', 2))::text
          from rivulet.log l where l.history <> rivulet.history() for update`,
      );
      if (!log) return;
      await ask('update rivulet.log set epoch = gen_random_uuid(), history = rivulet.history()');
      if (log[0] !== 'true') return;
      await ask('delete from rivulet.change');
      await ask('update rivulet.log set trimmed = null, measured = null, rows = 0, bytes = 0');
    });
  } catch (error) {
    if (codeOf(error) !== SQLSTATE.insufficientPrivilege) throw error;
    throw new RivuletError(
      'LOG_MOVED',
      'The change log is that of another database, and may not be renewed.',
      {},
      error,
    );
  }
}
