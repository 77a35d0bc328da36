import { graphql } from '../../../client/generated/index.js';

/** The projects of whoever is signed in. */
export const PROJECTS = graphql(`
  query Projects {
    projects(orderBy: [{ name: ASC }], where: { archived: { eq: false } }) {
      id
      name
    }
  }
`);

/** All that the board of one project shows. */
export const BOARD = graphql(`
  query Board($id: ID!) {
    project(id: $id) {
      id
      name
      members(orderBy: [{ joinedAt: ASC }]) {
        id
        role
        user { id name }
      }
      labels(orderBy: [{ name: ASC }]) { id name color }
      tasks(orderBy: [{ position: ASC }], limit: 500) {
        id
        title
        description
        status
        position
        priority
        dueOn
        estimate
        updatedAt
        assignee { id name }
        labels(orderBy: [{ name: ASC }]) { id name color }
        comments(orderBy: [{ createdAt: ASC }]) {
          id
          body
          createdAt
          author { id name }
        }
      }
    }
  }
`);

export const CREATE_TASK = graphql(`
  mutation CreateTask($values: TaskInsert!) {
    createTask(values: $values) { id title status position updatedAt }
  }
`);

export const UPDATE_TASK = graphql(`
  mutation UpdateTask($id: ID!, $set: TaskSet!) {
    updateTask(id: $id, set: $set) { id title description status position assigneeId dueOn estimate priority updatedAt }
  }
`);

export const DELETE_TASK = graphql(`
  mutation DeleteTask($id: ID!) {
    deleteTask(id: $id) { id }
  }
`);

export const CREATE_COMMENT = graphql(`
  mutation CreateComment($values: CommentInsert!) {
    createComment(values: $values) { id body createdAt }
  }
`);

export const DELETE_COMMENT = graphql(`
  mutation DeleteComment($id: ID!) {
    deleteComment(id: $id) { id }
  }
`);

export const ADD_LABEL = graphql(`
  mutation AddLabel($values: TaskLabelInsert!) {
    createTaskLabel(values: $values) { id }
  }
`);

export const REMOVE_LABEL = graphql(`
  mutation RemoveLabel($id: ID!) {
    deleteTaskLabel(id: $id) { id }
  }
`);

/** The panel's stream: every transaction that touches a task of the project, as it comes. */
export const TASK_CHANGES = graphql(`
  subscription TaskChanges($projectId: ID!) {
    taskChanges(where: { projectId: { eq: $projectId } }) {
      cursor
      reset
      transaction { xid loggedAt }
      changes {
        kind
        op
        key
        changedColumns
        node { title description status position priority dueOn estimate assigneeId }
        previous { title description status position priority dueOn estimate assigneeId }
      }
      related {
        comments {
          changes { kind op key node { body } }
        }
        labels {
          links { kind parent child }
        }
      }
    }
  }
`);
