/* eslint-disable */
import * as types from './graphql.js';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  query OpenTasks {\n    tasks(where: { status: { ne: done } }, orderBy: [{ priority: DESC }, { title: ASC }], limit: 50) {\n      id\n      title\n      status\n      priority\n      project { id name }\n      assignee { id name }\n    }\n  }\n": typeof types.OpenTasksDocument,
    "\n  mutation SetStatus($id: ID!, $set: TaskSet!) {\n    updateTask(id: $id, set: $set) { id status }\n  }\n": typeof types.SetStatusDocument,
    "\n  query Projects {\n    projects(orderBy: [{ name: ASC }], where: { archived: { eq: false } }) {\n      id\n      name\n    }\n  }\n": typeof types.ProjectsDocument,
    "\n  query Board($id: ID!) {\n    project(id: $id) {\n      id\n      name\n      members(orderBy: [{ joinedAt: ASC }]) {\n        id\n        role\n        user { id name }\n      }\n      labels(orderBy: [{ name: ASC }]) { id name color }\n      tasks(orderBy: [{ position: ASC }], limit: 500) {\n        id\n        title\n        description\n        status\n        position\n        priority\n        dueOn\n        estimate\n        updatedAt\n        assignee { id name }\n        labels(orderBy: [{ name: ASC }]) { id name color }\n        comments(orderBy: [{ createdAt: ASC }]) {\n          id\n          body\n          createdAt\n          author { id name }\n        }\n      }\n    }\n  }\n": typeof types.BoardDocument,
    "\n  mutation CreateTask($values: TaskInsert!) {\n    createTask(values: $values) { id title status position updatedAt }\n  }\n": typeof types.CreateTaskDocument,
    "\n  mutation UpdateTask($id: ID!, $set: TaskSet!) {\n    updateTask(id: $id, set: $set) { id title description status position assigneeId dueOn estimate priority updatedAt }\n  }\n": typeof types.UpdateTaskDocument,
    "\n  mutation DeleteTask($id: ID!) {\n    deleteTask(id: $id) { id }\n  }\n": typeof types.DeleteTaskDocument,
    "\n  mutation CreateComment($values: CommentInsert!) {\n    createComment(values: $values) { id body createdAt }\n  }\n": typeof types.CreateCommentDocument,
    "\n  mutation DeleteComment($id: ID!) {\n    deleteComment(id: $id) { id }\n  }\n": typeof types.DeleteCommentDocument,
    "\n  mutation AddLabel($values: TaskLabelInsert!) {\n    createTaskLabel(values: $values) { id }\n  }\n": typeof types.AddLabelDocument,
    "\n  mutation RemoveLabel($id: ID!) {\n    deleteTaskLabel(id: $id) { id }\n  }\n": typeof types.RemoveLabelDocument,
    "\n  subscription TaskChanges($projectId: ID!) {\n    taskChanges(where: { projectId: { eq: $projectId } }) {\n      cursor\n      reset\n      transaction { xid loggedAt }\n      changes {\n        kind\n        op\n        key\n        changedColumns\n        node { title description status position priority dueOn estimate assigneeId }\n        previous { title description status position priority dueOn estimate assigneeId }\n      }\n      related {\n        comments {\n          changes { kind op key node { body } }\n        }\n        labels {\n          links { kind parent child }\n        }\n      }\n    }\n  }\n": typeof types.TaskChangesDocument,
};
const documents: Documents = {
    "\n  query OpenTasks {\n    tasks(where: { status: { ne: done } }, orderBy: [{ priority: DESC }, { title: ASC }], limit: 50) {\n      id\n      title\n      status\n      priority\n      project { id name }\n      assignee { id name }\n    }\n  }\n": types.OpenTasksDocument,
    "\n  mutation SetStatus($id: ID!, $set: TaskSet!) {\n    updateTask(id: $id, set: $set) { id status }\n  }\n": types.SetStatusDocument,
    "\n  query Projects {\n    projects(orderBy: [{ name: ASC }], where: { archived: { eq: false } }) {\n      id\n      name\n    }\n  }\n": types.ProjectsDocument,
    "\n  query Board($id: ID!) {\n    project(id: $id) {\n      id\n      name\n      members(orderBy: [{ joinedAt: ASC }]) {\n        id\n        role\n        user { id name }\n      }\n      labels(orderBy: [{ name: ASC }]) { id name color }\n      tasks(orderBy: [{ position: ASC }], limit: 500) {\n        id\n        title\n        description\n        status\n        position\n        priority\n        dueOn\n        estimate\n        updatedAt\n        assignee { id name }\n        labels(orderBy: [{ name: ASC }]) { id name color }\n        comments(orderBy: [{ createdAt: ASC }]) {\n          id\n          body\n          createdAt\n          author { id name }\n        }\n      }\n    }\n  }\n": types.BoardDocument,
    "\n  mutation CreateTask($values: TaskInsert!) {\n    createTask(values: $values) { id title status position updatedAt }\n  }\n": types.CreateTaskDocument,
    "\n  mutation UpdateTask($id: ID!, $set: TaskSet!) {\n    updateTask(id: $id, set: $set) { id title description status position assigneeId dueOn estimate priority updatedAt }\n  }\n": types.UpdateTaskDocument,
    "\n  mutation DeleteTask($id: ID!) {\n    deleteTask(id: $id) { id }\n  }\n": types.DeleteTaskDocument,
    "\n  mutation CreateComment($values: CommentInsert!) {\n    createComment(values: $values) { id body createdAt }\n  }\n": types.CreateCommentDocument,
    "\n  mutation DeleteComment($id: ID!) {\n    deleteComment(id: $id) { id }\n  }\n": types.DeleteCommentDocument,
    "\n  mutation AddLabel($values: TaskLabelInsert!) {\n    createTaskLabel(values: $values) { id }\n  }\n": types.AddLabelDocument,
    "\n  mutation RemoveLabel($id: ID!) {\n    deleteTaskLabel(id: $id) { id }\n  }\n": types.RemoveLabelDocument,
    "\n  subscription TaskChanges($projectId: ID!) {\n    taskChanges(where: { projectId: { eq: $projectId } }) {\n      cursor\n      reset\n      transaction { xid loggedAt }\n      changes {\n        kind\n        op\n        key\n        changedColumns\n        node { title description status position priority dueOn estimate assigneeId }\n        previous { title description status position priority dueOn estimate assigneeId }\n      }\n      related {\n        comments {\n          changes { kind op key node { body } }\n        }\n        labels {\n          links { kind parent child }\n        }\n      }\n    }\n  }\n": types.TaskChangesDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query OpenTasks {\n    tasks(where: { status: { ne: done } }, orderBy: [{ priority: DESC }, { title: ASC }], limit: 50) {\n      id\n      title\n      status\n      priority\n      project { id name }\n      assignee { id name }\n    }\n  }\n"): (typeof documents)["\n  query OpenTasks {\n    tasks(where: { status: { ne: done } }, orderBy: [{ priority: DESC }, { title: ASC }], limit: 50) {\n      id\n      title\n      status\n      priority\n      project { id name }\n      assignee { id name }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SetStatus($id: ID!, $set: TaskSet!) {\n    updateTask(id: $id, set: $set) { id status }\n  }\n"): (typeof documents)["\n  mutation SetStatus($id: ID!, $set: TaskSet!) {\n    updateTask(id: $id, set: $set) { id status }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Projects {\n    projects(orderBy: [{ name: ASC }], where: { archived: { eq: false } }) {\n      id\n      name\n    }\n  }\n"): (typeof documents)["\n  query Projects {\n    projects(orderBy: [{ name: ASC }], where: { archived: { eq: false } }) {\n      id\n      name\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Board($id: ID!) {\n    project(id: $id) {\n      id\n      name\n      members(orderBy: [{ joinedAt: ASC }]) {\n        id\n        role\n        user { id name }\n      }\n      labels(orderBy: [{ name: ASC }]) { id name color }\n      tasks(orderBy: [{ position: ASC }], limit: 500) {\n        id\n        title\n        description\n        status\n        position\n        priority\n        dueOn\n        estimate\n        updatedAt\n        assignee { id name }\n        labels(orderBy: [{ name: ASC }]) { id name color }\n        comments(orderBy: [{ createdAt: ASC }]) {\n          id\n          body\n          createdAt\n          author { id name }\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query Board($id: ID!) {\n    project(id: $id) {\n      id\n      name\n      members(orderBy: [{ joinedAt: ASC }]) {\n        id\n        role\n        user { id name }\n      }\n      labels(orderBy: [{ name: ASC }]) { id name color }\n      tasks(orderBy: [{ position: ASC }], limit: 500) {\n        id\n        title\n        description\n        status\n        position\n        priority\n        dueOn\n        estimate\n        updatedAt\n        assignee { id name }\n        labels(orderBy: [{ name: ASC }]) { id name color }\n        comments(orderBy: [{ createdAt: ASC }]) {\n          id\n          body\n          createdAt\n          author { id name }\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateTask($values: TaskInsert!) {\n    createTask(values: $values) { id title status position updatedAt }\n  }\n"): (typeof documents)["\n  mutation CreateTask($values: TaskInsert!) {\n    createTask(values: $values) { id title status position updatedAt }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UpdateTask($id: ID!, $set: TaskSet!) {\n    updateTask(id: $id, set: $set) { id title description status position assigneeId dueOn estimate priority updatedAt }\n  }\n"): (typeof documents)["\n  mutation UpdateTask($id: ID!, $set: TaskSet!) {\n    updateTask(id: $id, set: $set) { id title description status position assigneeId dueOn estimate priority updatedAt }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeleteTask($id: ID!) {\n    deleteTask(id: $id) { id }\n  }\n"): (typeof documents)["\n  mutation DeleteTask($id: ID!) {\n    deleteTask(id: $id) { id }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateComment($values: CommentInsert!) {\n    createComment(values: $values) { id body createdAt }\n  }\n"): (typeof documents)["\n  mutation CreateComment($values: CommentInsert!) {\n    createComment(values: $values) { id body createdAt }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeleteComment($id: ID!) {\n    deleteComment(id: $id) { id }\n  }\n"): (typeof documents)["\n  mutation DeleteComment($id: ID!) {\n    deleteComment(id: $id) { id }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation AddLabel($values: TaskLabelInsert!) {\n    createTaskLabel(values: $values) { id }\n  }\n"): (typeof documents)["\n  mutation AddLabel($values: TaskLabelInsert!) {\n    createTaskLabel(values: $values) { id }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RemoveLabel($id: ID!) {\n    deleteTaskLabel(id: $id) { id }\n  }\n"): (typeof documents)["\n  mutation RemoveLabel($id: ID!) {\n    deleteTaskLabel(id: $id) { id }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription TaskChanges($projectId: ID!) {\n    taskChanges(where: { projectId: { eq: $projectId } }) {\n      cursor\n      reset\n      transaction { xid loggedAt }\n      changes {\n        kind\n        op\n        key\n        changedColumns\n        node { title description status position priority dueOn estimate assigneeId }\n        previous { title description status position priority dueOn estimate assigneeId }\n      }\n      related {\n        comments {\n          changes { kind op key node { body } }\n        }\n        labels {\n          links { kind parent child }\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  subscription TaskChanges($projectId: ID!) {\n    taskChanges(where: { projectId: { eq: $projectId } }) {\n      cursor\n      reset\n      transaction { xid loggedAt }\n      changes {\n        kind\n        op\n        key\n        changedColumns\n        node { title description status position priority dueOn estimate assigneeId }\n        previous { title description status position priority dueOn estimate assigneeId }\n      }\n      related {\n        comments {\n          changes { kind op key node { body } }\n        }\n        labels {\n          links { kind parent child }\n        }\n      }\n    }\n  }\n"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;