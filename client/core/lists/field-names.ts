import type { ModelTable } from '../../../shared/model/types.js';
import type { EntityReference, ListArgs } from '../cache.js';
import { readList } from '../list-rule.js';
import { readNodeId, whereKey } from '../live/derive.js';
import type { DocumentVariables } from '../live/document.js';
import { listArgs } from '../live/row-reading.js';
import { stableText } from '../live/stable-text.js';
import type { ClientSchema } from '../schema.js';
import type { StoredField } from './list-store.js';

type RootKind = 'one' | 'many' | 'connection';

/**
 * The fields of a cache, by their names and arguments in the schema. Equal arguments give the same
 * object.
 */
export class FieldNames {
  readonly #schema: ClientSchema;
  readonly #roots = new Map<string, { readonly table: ModelTable; readonly kind: RootKind }>();
  readonly #args = new Map<string, ListArgs | null>();

  constructor(schema: ClientSchema) {
    this.#schema = schema;
    for (const { name, fields } of schema.manifest.tables) {
      const table = schema.model.table(name);
      for (const kind of ['one', 'many', 'connection'] as const) {
        this.#roots.set(fields[kind], { table, kind });
      }
    }
  }

  /** The root fields that may hold rows. */
  get rootNames(): readonly string[] {
    return [...this.#roots.keys(), 'node', 'nodes'];
  }

  /**
   * A root field, once for each table of which it holds rows; nothing for what is no field of rows.
   */
  root(name: string, args: DocumentVariables): readonly StoredField[] {
    if (name === 'node') return this.#named(name, [args.nodeId], false);
    if (name === 'nodes') return this.#named(name, Array.isArray(args.nodeIds) ? args.nodeIds : [], true);
    const found = this.#roots.get(name);
    if (!found) return [];
    const { table, kind } = found;
    const asked = kind === 'one' ? byKeys(table, [args.id]) : listArgs(args);
    const read = asked && this.#read(table, asked);
    const field = { parent: null, name, relation: null, table: table.name } as const;
    if (!read) return [{ ...field, kind: 'many', isOpaque: true, args: {} }];
    return [{ ...field, kind: kind === 'one' ? 'one' : 'many', isOpaque: kind === 'connection', args: read }];
  }

  /** A field below a row; `undefined` for what holds no rows. */
  below(parent: EntityReference, name: string, args: DocumentVariables): StoredField | undefined {
    const table = this.#schema.model.table(parent.table);
    const relation = table.findColumn(name) ? undefined : table.findRelation(name);
    if (!relation) return undefined;
    const target = this.#schema.model.table(relation.target);
    const read = this.#read(target, relation.kind === 'many' ? listArgs(args) : {});
    const { kind } = relation;
    return {
      parent,
      name,
      relation,
      table: target.name,
      kind,
      isOpaque: read === undefined,
      args: read ?? {},
    };
  }

  #named(name: string, nodeIds: readonly unknown[], isOpaque: boolean): readonly StoredField[] {
    const keys = new Map<ModelTable, string[]>();
    for (const nodeId of nodeIds) {
      const found = typeof nodeId === 'string' ? readNodeId(this.#schema, nodeId) : undefined;
      if (found) keys.set(found.table, [...(keys.get(found.table) ?? []), found.key]);
    }
    return [...keys].flatMap(([table, each]) => {
      const asked = byKeys(table, each);
      const args = asked && this.#read(table, asked);
      const kind = isOpaque ? 'many' : 'one';
      return args ? [{ parent: null, name, relation: null, table: table.name, kind, isOpaque, args }] : [];
    });
  }

  /** `undefined` for arguments that the server would refuse. */
  #read(table: ModelTable, args: ListArgs): ListArgs | undefined {
    const text = `${table.name} ${stableText(args)}`;
    const known = this.#args.get(text);
    if (known !== undefined) return known ?? undefined;
    let read: ListArgs | null = args;
    try {
      readList(this.#schema, table, args);
    } catch {
      read = null;
    }
    this.#args.set(text, read);
    return read ?? undefined;
  }
}

function byKeys(table: ModelTable, ids: readonly unknown[]): ListArgs | undefined {
  const keys = ids.map((id) => {
    const isText = typeof id === 'string' || typeof id === 'number';
    return isText ? whereKey(table, String(id)) : undefined;
  });
  if (!keys.every((key) => key !== undefined)) return undefined;
  return { where: keys.length === 1 ? keys[0]! : { OR: keys }, limit: null };
}
