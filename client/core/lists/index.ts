export { type Carried, carrying, isCarrying, takeCarried } from './carried.js';
export { columnsOf, entityOf, idOf } from './entities.js';
export { FieldNames } from './field-names.js';
export { keepLists } from './keep.js';
export { type Asked, Listener } from './listener.js';
export { type MutationField, messageOf, mutationFields, readMutation } from './read-mutation.js';
export { type StreamReader, streamReader } from './read-told.js';
export { type Covered, type ListEdits, type ListStore, NOTHING_COVERED, type StoredField } from './store.js';
export { byTransaction, joined, NOTHING_TOLD, type Told } from './told.js';
