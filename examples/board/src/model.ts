import type { BoardQuery, Status } from '../../../client/generated/graphql.js';

export type { Status };
export type Project = NonNullable<BoardQuery['project']>;
export type Task = Project['tasks'][number];
export type Label = Project['labels'][number];
export type Comment = Task['comments'][number];

export const STATUSES: readonly { readonly status: Status; readonly title: string }[] = [
  { status: 'todo', title: 'To do' },
  { status: 'doing', title: 'In progress' },
  { status: 'done', title: 'Done' },
];

export function titleOf(status: Status): string {
  return STATUSES.find((each) => each.status === status)!.title;
}

/** In the order of the board: the server's own, with what has not reached it yet. */
export function byPosition(left: Task, right: Task): number {
  return Number(left.position) - Number(right.position) || Number(left.id) - Number(right.id);
}
