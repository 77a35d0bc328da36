import { entityId } from '../message-facts.js';
import { isObject } from '../row.js';
import { relationId } from './held-rows.js';
import type { RowReading } from './row-reading.js';

/**
 * The rows and relations that a message is about: rows that the transaction changed, and relations
 * in which a pair began or ended. Every stream that contains one of them brings the same
 * transaction.
 */
export function touchedBy(
  reading: RowReading,
  message: Readonly<Record<string, unknown>>,
): ReadonlySet<string> {
  const touched = new Set<string>();
  const visit = ({ table, relations }: RowReading, part: Readonly<Record<string, unknown>>): void => {
    for (const change of objectsIn(part.changes)) {
      const { op, key } = change;
      if (typeof op === 'string' && typeof key === 'string') touched.add(entityId(table.name, key));
    }
    const related = isObject(part.related) ? part.related : {};
    for (const { relation, row } of relations) {
      const scope = related[relation.name];
      if (!isObject(scope)) continue;
      for (const { parent } of objectsIn(scope.links)) {
        if (typeof parent === 'string') touched.add(relationId(table.name, parent, relation.name));
      }
      visit(row, scope);
    }
  };
  visit(reading, message);
  return touched;
}

function objectsIn(list: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(list) ? list.filter(isObject) : [];
}
