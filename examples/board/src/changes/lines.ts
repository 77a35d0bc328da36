import type { Message } from './use-changes.js';

export interface Line {
  readonly kind: string;
  /** `Task 3`. */
  readonly what: string;
  readonly title: string | undefined;
  readonly columns: readonly { readonly name: string; readonly before: string; readonly after: string }[];
}

/**
 * A message in words: what happened to the tasks, then to their comments, then which labels came
 * and went.
 */
export function linesOf({ changes, related }: Message): readonly Line[] {
  return [
    ...changes.map((change) => ({
      kind: change.kind,
      what: `Task ${change.key}`,
      title: change.node?.title ?? change.previous?.title ?? undefined,
      columns: differencesOf(change),
    })),
    ...related.comments.changes.map(({ kind, key, node }) => ({
      kind,
      what: `Comment ${key}`,
      title: node?.body,
      columns: [],
    })),
    ...related.labels.links.map(({ kind, parent, child }) => ({
      kind,
      what: `Label ${child} of task ${parent}`,
      title: undefined,
      columns: [],
    })),
  ];
}

function differencesOf({ kind, changedColumns, node, previous }: Message['changes'][number]) {
  if (kind !== 'UPDATE') return [];
  const before: Readonly<Record<string, unknown>> = { ...previous };
  const after: Readonly<Record<string, unknown>> = { ...node };
  return changedColumns
    .filter((name) => name in after)
    .map((name) => ({ name, before: shown(before[name]), after: shown(after[name]) }));
}

function shown(value: unknown): string {
  return value === null || value === undefined ? 'null' : String(value);
}
