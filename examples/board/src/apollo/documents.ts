import { graphql } from '../../../../client/generated/index.js';

export const OPEN_TASKS = graphql(`
  query OpenTasks {
    tasks(where: { status: { ne: done } }, orderBy: [{ priority: DESC }, { title: ASC }], limit: 50) {
      id
      title
      status
      priority
      project { id name }
      assignee { id name }
    }
  }
`);

export const SET_STATUS = graphql(`
  mutation SetStatus($id: ID!, $set: TaskSet!) {
    updateTask(id: $id, set: $set) { id status }
  }
`);
