import { EVERYTHING } from '../../../shared/filter/normalize.js';
import type { Model } from '../../../shared/model/types.js';
import type { RowNode } from '../../query/types.js';
import type { BatchClient, QueryAnswer, QueryBatch } from '../evaluate/batch-evaluator.js';
import { reachedValues, reachingPlans } from './join-path.js';
import { MOST_ROWS, type ReachedEntries, type ReachQuestion } from './relation-index.js';

/** Largest number of unchanged rows that are examined one by one. */
const MOST_CANDIDATES = 200;

/**
 * Asks, in one statement, whom rows reach, and adds who is found. Where that cannot be said (an
 * error, an answer that is not exact, more rows than are worth it), all who could be.
 */
export async function askReach<T extends object>(
  model: Model,
  round: QueryBatch,
  questions: readonly ReachQuestion<T>[],
  found: Set<T>,
): Promise<void> {
  const asked = questions.map((question) => ask(model, round.client(), question));
  for (const { reached } of questions) reached.isUnanswered = true;
  const isAnswered = await round.run().then(
    () => round.isExact,
    () => false,
  );
  for (const { reached } of questions) reached.isUnanswered = false;
  for (const each of asked) {
    if (!isAnswered || each.client.error || !addReached(each, found)) each.question.reached.addAll(found);
  }
}

interface Asked<T extends object> {
  readonly question: ReachQuestion<T>;
  readonly client: BatchClient;
  /**
   * Largest number of rows below one that are examined one by one. Above it, visiting every entry
   * costs less.
   */
  readonly most: number;
  readonly changed: QueryAnswer<readonly (RowNode | null)[]> | null;
  readonly candidates: QueryAnswer<readonly RowNode[]> | null;
}

function ask<T extends object>(model: Model, client: BatchClient, question: ReachQuestion<T>): Asked<T> {
  const { reached, images, candidates } = question;
  const { table, places } = reached.way;
  const most = mostBelow(reached);
  const related = reachingPlans(model, reached.way, most);
  const own = new Set(places.flatMap(({ path, column }) => (path.length === 0 ? [column] : [])));
  const rows = { table, orderBy: [], limit: MOST_CANDIDATES + 1, offset: 0, columns: own, related };
  return {
    question,
    client,
    most,
    changed: images.length === 0 ? null : client.images({ table, filter: EVERYTHING, images, related }),
    candidates: candidates === null ? null : client.rows({ ...rows, filter: candidates }),
  };
}

/**
 * Smaller bounds for each step of a long path, so that the total stays the same. Few distinct
 * bounds keep the number of statements small.
 */
function mostBelow({ size, way: { places } }: ReachedEntries<object>): number {
  const steps = Math.max(...places.map(({ path }) => path.filter(({ kind }) => kind === 'many').length), 1);
  const worthIt = Math.floor(MOST_ROWS ** (1 / steps));
  return Math.min(2 ** Math.ceil(Math.log2(size)), worthIt) + 1;
}

/** False where there is too much of it. */
function addReached<T extends object>(
  { question: { reached }, most, changed, candidates }: Asked<T>,
  found: Set<T>,
): boolean {
  const looked = candidates?.value ?? [];
  if (looked.length > MOST_CANDIDATES) return false;
  for (const { key } of looked) reached.addHolders(key, found);
  for (const node of [...(changed?.value ?? []), ...looked]) {
    if (!node) continue;
    for (const [at, place] of reached.way.places.entries()) {
      const values = reachedValues(node, place, most);
      if (values === null) return false;
      reached.addReached(at, values, found);
    }
  }
  return true;
}
