/** What `modelOf` gives, for code that may import the manifest but not the model's folder. */
export type { ColumnType, Model, ModelColumn, ModelRelation, ModelTable } from '../model/types.js';
