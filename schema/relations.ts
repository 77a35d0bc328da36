import { defineRelations } from 'drizzle-orm';
import { comments } from './comments.js';
import { labels } from './labels.js';
import { members } from './members.js';
import { projects } from './projects.js';
import { taskLabels } from './task-labels.js';
import { tasks } from './tasks.js';
import { users } from './users.js';

/** The tables that Rivulet serves, and the relations between them. */
export const relations = defineRelations(
  { users, projects, members, tasks, comments, labels, taskLabels },
  (r) => ({
    users: {
      memberships: r.many.members({ from: r.users.id, to: r.members.userId }),
      projects: r.many.projects({
        from: r.users.id.through(r.members.userId),
        to: r.projects.id.through(r.members.projectId),
      }),
      assignedTasks: r.many.tasks({ from: r.users.id, to: r.tasks.assigneeId }),
    },
    projects: {
      owner: r.one.users({ from: r.projects.ownerId, to: r.users.id, optional: false }),
      members: r.many.members({ from: r.projects.id, to: r.members.projectId }),
      people: r.many.users({
        from: r.projects.id.through(r.members.projectId),
        to: r.users.id.through(r.members.userId),
      }),
      tasks: r.many.tasks({ from: r.projects.id, to: r.tasks.projectId }),
      openTasks: r.many.tasks({
        from: r.projects.id,
        to: r.tasks.projectId,
        where: { status: { ne: 'done' } },
      }),
      labels: r.many.labels({ from: r.projects.id, to: r.labels.projectId }),
    },
    members: {
      project: r.one.projects({ from: r.members.projectId, to: r.projects.id, optional: false }),
      user: r.one.users({ from: r.members.userId, to: r.users.id, optional: false }),
    },
    tasks: {
      project: r.one.projects({ from: r.tasks.projectId, to: r.projects.id, optional: false }),
      assignee: r.one.users({ from: r.tasks.assigneeId, to: r.users.id }),
      comments: r.many.comments({ from: r.tasks.id, to: r.comments.taskId }),
      labels: r.many.labels({
        from: r.tasks.id.through(r.taskLabels.taskId),
        to: r.labels.id.through(r.taskLabels.labelId),
      }),
    },
    comments: {
      task: r.one.tasks({ from: r.comments.taskId, to: r.tasks.id, optional: false }),
      author: r.one.users({ from: r.comments.authorId, to: r.users.id, optional: false }),
    },
    labels: {
      project: r.one.projects({ from: r.labels.projectId, to: r.projects.id, optional: false }),
      tasks: r.many.tasks({
        from: r.labels.id.through(r.taskLabels.labelId),
        to: r.tasks.id.through(r.taskLabels.taskId),
      }),
    },
    taskLabels: {
      task: r.one.tasks({ from: r.taskLabels.taskId, to: r.tasks.id, optional: false }),
      label: r.one.labels({ from: r.taskLabels.labelId, to: r.labels.id, optional: false }),
    },
  }),
);
