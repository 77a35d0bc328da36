export { type ChangeReport, EMPTY_REPORT, groupReports, mergeReports } from './change-reports.js';
export { type CompletedDocument, completeDocument } from './completed-document.js';
export { columnsOf, entityOf, idOf } from './entities.js';
export { FieldNames } from './field-names.js';
export { FieldShapes } from './field-shapes.js';
export {
  type ListEdits,
  type ListStore,
  type LiveCoverage,
  NOTHING_COVERED,
  type StoredField,
} from './list-store.js';
export { type StreamReader, streamReader } from './read-change-reports.js';
export { type MutationEffect, messageOf, mutationFields, readMutation } from './read-mutation.js';
export { type ClientOperation, ResponseListener } from './response-listener.js';
export { type ResumeParameters, resumeParametersOf } from './resume-parameters.js';
export { hasSidePayload, type SidePayload, takeSidePayload, withSidePayload } from './side-payload.js';
export { updateCachedLists } from './update-cached-lists.js';
