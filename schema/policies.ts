import { definePolicies } from 'rivulet';
import { relations } from './relations.js';

/** The user of a request; `null` is anonymous and may read nothing. */
export interface Context {
  readonly userId: number | null;
}

export const policies = definePolicies<typeof relations, Context>(relations, {
  users: {
    read: ({ userId }) => userId !== null,
  },
  projects: {
    read: ({ userId }) => userId !== null && { members: { userId } },
  },
  members: {
    read: ({ userId }) => userId !== null && { project: { members: { userId } } },
    insert: {
      check: ({ userId }) => userId !== null && { project: { members: owner(userId) } },
      columns: ['projectId', 'userId', 'role'],
    },
    // A member moves to another project by leaving this one: the key cannot be set.
    update: {
      check: ({ userId }) => userId !== null && { project: { members: owner(userId) } },
      columns: ['role'],
    },
    delete: ({ userId }) => userId !== null && { project: { members: owner(userId) } },
  },
  tasks: {
    read: ({ userId }) => userId !== null && { project: { members: { userId } } },
    insert: ({ userId }) => userId !== null && { project: { members: writer(userId) } },
    update: ({ userId }) => userId !== null && { project: { members: writer(userId) } },
    delete: ({ userId }) => userId !== null && { project: { members: writer(userId) } },
  },
  comments: {
    read: ({ userId }) => userId !== null && { task: { project: { members: { userId } } } },
    // Whoever reads a task comments on it, under their own name: the server sets the author.
    insert: {
      check: ({ userId }) => userId !== null && { task: { project: { members: { userId } } } },
      columns: ['taskId', 'body'],
      preset: ({ userId }) => ({ authorId: userId }),
    },
    update: {
      check: ({ userId }) =>
        userId !== null && { authorId: userId, task: { project: { members: { userId } } } },
      columns: ['body'],
    },
    delete: ({ userId }) => userId !== null && { authorId: userId },
  },
  labels: {
    read: ({ userId }) => userId !== null && { project: { members: { userId } } },
    insert: ({ userId }) => userId !== null && { project: { members: writer(userId) } },
    update: ({ userId }) => userId !== null && { project: { members: writer(userId) } },
    delete: ({ userId }) => userId !== null && { project: { members: writer(userId) } },
  },
  taskLabels: {
    read: ({ userId }) => userId !== null && { task: { project: { members: { userId } } } },
    insert: ({ userId }) => userId !== null && taskLabelOfWriter(userId),
    delete: ({ userId }) => userId !== null && { task: { project: { members: writer(userId) } } },
  },
});

function owner(userId: number) {
  return { userId, role: { eq: 'owner' } } as const;
}

function writer(userId: number) {
  return { userId, role: { in: ['owner', 'editor'] } } as const;
}

/**
 * Both ends must be writable, or an editor of one project could hang labels on the tasks of
 * another.
 */
function taskLabelOfWriter(userId: number) {
  return {
    task: { project: { members: writer(userId) } },
    label: { project: { members: writer(userId) } },
  } as const;
}
