import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core';
import type { ModelColumn, ModelParent, ModelTable } from '../../shared/model/types.js';
import { drizzleTable } from './drizzle.js';

/**
 * The parents that a table's rows refer to: those of its foreign keys, and those of its `one`
 * relations, as far as they lead from columns of the row to another row's primary key without a
 * condition (a `where` makes it another relation for each kind of row).
 */
export function readParents(table: ModelTable, tables: readonly ModelTable[]): readonly ModelParent[] {
  const byDrizzle = new Map<PgTable, ModelTable>(tables.map((each) => [drizzleTable(each), each]));
  const byName = new Map(tables.map((each) => [each.name, each]));
  const parents: ModelParent[] = [];
  for (const foreignKey of getTableConfig(drizzleTable(table)).foreignKeys) {
    const { columns, foreignColumns, foreignTable } = foreignKey.reference();
    const from = columns.map((column) => bySqlName(table, column.name));
    const target = byDrizzle.get(foreignTable);
    const to = target ? foreignColumns.map((column) => bySqlName(target, column.name)) : [];
    if (from.some((column) => !column)) continue;
    parents.push({
      from: from as ModelColumn[],
      targets:
        target && to.every((column) => column) ? [{ table: target.name, to: to as ModelColumn[] }] : [],
      isConstraint: true,
    });
  }
  const constrained = new Set(parents.map(({ from }) => namesOf(from)));
  const declared = new Map<string, ModelParent>();
  for (const relation of table.relations) {
    const { kind, from, to, target } = relation;
    if (kind !== 'one' || relation.through || relation.where) continue;
    if (!isKeyOf(byName.get(target)!, to) || isKeyOf(table, from)) continue;
    const names = namesOf(from);
    if (constrained.has(names)) continue;
    const targets = [...(declared.get(names)?.targets ?? []), { table: target, to }];
    declared.set(names, { from: declared.get(names)?.from ?? from, targets, isConstraint: false });
  }
  return Object.freeze([...parents, ...declared.values()]);
}

function bySqlName(table: ModelTable, sqlName: string): ModelColumn | undefined {
  return table.columns.find((column) => column.sqlName === sqlName);
}

function isKeyOf(table: ModelTable, columns: readonly ModelColumn[]): boolean {
  return columns.length === table.key.length && columns.every((column) => table.key.includes(column));
}

function namesOf(columns: readonly ModelColumn[]): string {
  return columns
    .map(({ name }) => name)
    .sort()
    .join(' ');
}
