import type { ModelTable } from '../../../shared/model/types.js';
import type { DocumentVariables } from './document.js';
import { orderColumns, type RelationReading, type RowReading } from './row-reading.js';

/** One change-stream subscription. */
export interface StreamRequest {
  /** The field that its messages stand under. */
  readonly field: string;
  readonly query: string;
  /** All but `after`. */
  readonly variables: DocumentVariables;
}

/**
 * The change stream of the rows that a reading shows, and of everything below them. `carries`: with
 * what the reducer needs; otherwise it only tells that something changed.
 */
export function streamOf(
  reading: RowReading,
  where: Readonly<Record<string, unknown>> | undefined,
  field: string,
  carries: boolean,
): StreamRequest {
  const writer = new ChangeStreamWriter(carries, columnsByTable(reading));
  const filter = writer.where(reading.table, where);
  const body = writer.scope(reading);
  const variables = ['$after: String', ...writer.definitions].join(', ');
  const args = ['after: $after', ...filter].join(', ');
  return {
    field,
    query: `subscription (${variables}) { ${field}(${args}) { cursor reset transaction { xid mutationId } ${body} } }`,
    variables: writer.values,
  };
}

class ChangeStreamWriter {
  readonly definitions: string[] = [];
  readonly values: Record<string, unknown> = {};

  constructor(
    readonly carries: boolean,
    readonly columns: ReadonlyMap<ModelTable, ReadonlySet<string>>,
  ) {}

  where(table: ModelTable, where: Readonly<Record<string, unknown>> | undefined): readonly string[] {
    if (!where) return [];
    const name = `where${this.definitions.length}`;
    this.definitions.push(`$${name}: ${table.typeName}Filter`);
    this.values[name] = where;
    return [`where: $${name}`];
  }

  scope(reading: RowReading): string {
    const relations = this.carries ? mergedRelations(reading.relations) : reading.relations;
    const scopes = relations.map(({ relation, row }, at) => {
      const args = relation.kind === 'many' ? this.where(row.table, row.args.where ?? undefined) : [];
      const called = args.length > 0 ? `(${args.join(', ')})` : '';
      // The same relation twice: with the same arguments it is told once, with others nothing is
      // carried.
      const alias = this.carries ? '' : `r${at}: `;
      const links = this.carries ? 'links { kind parent child }' : 'links { kind }';
      return `${alias}${relation.name}${called} { ${this.scope(row)} ${links} }`;
    });
    const related = scopes.length > 0 ? ` related { ${scopes.join(' ')} }` : '';
    return `${this.#changes(reading)}${related}`;
  }

  #changes({ table, args }: RowReading): string {
    if (!this.carries) return 'changes { key }';
    const columns = [...(this.columns.get(table) ?? [])].join(' ');
    const previous = orderColumns(args).filter((name) => name !== 'id' && table.findColumn(name));
    const image = previous.length > 0 ? `previous { ${previous.join(' ')} } ` : '';
    return `changes { kind op key changedColumns ${image}node { ${columns} } }`;
  }
}

/**
 * Everything that is shown of a table anywhere: a row that comes to one place brings what it shows
 * at the others.
 */
function columnsByTable(reading: RowReading): ReadonlyMap<ModelTable, ReadonlySet<string>> {
  const columns = new Map<ModelTable, Set<string>>();
  const visit = (each: RowReading): void => {
    const names = columns.get(each.table) ?? new Set(['id']);
    columns.set(each.table, names);
    for (const { name } of each.columns) if (name !== '__typename') names.add(name);
    for (const { row } of each.relations) visit(row);
  };
  visit(reading);
  return columns;
}

/** One of each relation: aliases with the same arguments show parts of the same rows. */
function mergedRelations(relations: readonly RelationReading[]): readonly RelationReading[] {
  const byName = new Map<string, RelationReading>();
  for (const each of relations) {
    const known = byName.get(each.relation.name);
    if (!known) byName.set(each.relation.name, each);
    else {
      const row = {
        ...known.row,
        columns: [...known.row.columns, ...each.row.columns],
        relations: [...known.row.relations, ...each.row.relations],
      };
      byName.set(each.relation.name, { ...known, row });
    }
  }
  return [...byName.values()];
}
