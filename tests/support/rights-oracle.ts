import type { RowCells } from '../../shared/filter/types.js';
import type { ModelTable } from '../../shared/model/types.js';
import type { RowNode } from '../../src/query/types.js';
import type { RelatedMessages, ScopeChange, ScopeMessage } from '../../src/scope/messages/types.js';
import type { TestDatabase } from './database.js';

/** Gives each version of a row a text of its own, and keeps all that were ever committed. */
export const plantedSecrets = `
  create sequence secrets;
  create table versions (secret text, table_name text, image jsonb);
  create function plant_secret() returns trigger language plpgsql as $$
  declare secret text := '~' || nextval('secrets') || '~';
  begin
    new := jsonb_populate_record(new, jsonb_build_object(tg_argv[0], secret));
    insert into versions values (secret, tg_table_name, to_jsonb(new));
    return new;
  end $$;
  ${Object.entries({ tasks: 'title', comments: 'body', labels: 'name', projects: 'name' })
    .map(
      ([table, column]) =>
        `create trigger a_secret before insert or update on ${table} for each row execute function plant_secret('${column}');`,
    )
    .join('\n')}`;

type Image = Readonly<Record<string, unknown>>;

/** What the policies of the example show today, written down a second time. */
export class RightsOracle {
  readonly #members: ReadonlySet<string>;
  readonly #rows: ReadonlyMap<string, ReadonlyMap<string, Image>>;
  readonly #versions: readonly (readonly [secret: string, table: string, image: Image])[];

  private constructor(
    members: ReadonlySet<string>,
    rows: ReadonlyMap<string, ReadonlyMap<string, Image>>,
    versions: readonly (readonly [string, string, Image])[],
  ) {
    this.#members = members;
    this.#rows = rows;
    this.#versions = versions;
  }

  static async read(database: TestDatabase): Promise<RightsOracle> {
    const images = async (table: string) => {
      const found = await database.query(`select to_jsonb(t)::text from ${table} t`);
      return found.map(([json]) => JSON.parse(json!) as Image);
    };
    const rows = new Map<string, Map<string, Image>>();
    for (const table of ['tasks', 'comments', 'labels', 'projects', 'members', 'task_labels', 'users']) {
      rows.set(table, new Map((await images(table)).map((image) => [keyOf(table, image), image])));
    }
    const versions = await database.query('select secret, table_name, image::text from versions');
    return new RightsOracle(
      new Set(rows.get('members')!.keys()),
      rows,
      versions.map(([secret, table, image]) => [secret!, table!, JSON.parse(image!) as Image] as const),
    );
  }

  /** Both the image and the row as it is today. */
  shows(user: number, table: string, image: Image): boolean {
    const row = this.#rows.get(table)!.get(keyOf(table, image));
    return row !== undefined && this.#reads(user, table, image) && this.#reads(user, table, row);
  }

  /** Texts of versions that must not be delivered. */
  hiddenSecrets(user: number): readonly string[] {
    return this.#versions
      .filter(([, table, image]) => !this.shows(user, table, image))
      .map(([secret]) => secret);
  }

  #reads(user: number, table: string, image: Image): boolean {
    const isMember = (project: unknown) => this.#members.has(`${project}:${user}`);
    const projectOf = (task: unknown) => this.#rows.get('tasks')!.get(String(task))?.project_id;
    switch (table) {
      case 'users':
        return true;
      case 'projects':
        return isMember(image.id);
      case 'comments':
      case 'task_labels':
        return isMember(projectOf(image.task_id));
      default:
        return isMember(image.project_id);
    }
  }
}

function keyOf(table: string, image: Image): string {
  if (table === 'members') return `${image.project_id}:${image.user_id}`;
  if (table === 'task_labels') return `${image.task_id}:${image.label_id}`;
  return String(image.id);
}

/** Every image that messages carry, with its table's name in the database. */
export function imagesIn(
  table: ModelTable,
  messages: readonly ScopeMessage[],
): readonly { readonly table: string; readonly image: Image; readonly text: string }[] {
  const found: { table: string; image: Image; text: string }[] = [];
  const add = (of: ModelTable, cells: RowCells) => {
    const image = Object.fromEntries(of.columns.map(({ sqlName, index }) => [sqlName, cells[index]]));
    found.push({ table: of.sqlName, image, text: JSON.stringify(cells) });
  };
  const addNode = (node: RowNode) => {
    add(node.table, node.cells);
    for (const [name, below] of node.related) {
      // What a scope reads for itself goes to nobody.
      if (name === '#junction') continue;
      for (const row of below === null ? [] : 'key' in below ? [below] : below) addNode(row);
    }
  };
  const addChanges = (of: ModelTable | null, changes: readonly ScopeChange[]) => {
    for (const { node, previous } of changes) {
      if (node) addNode(node);
      const owner = node?.table ?? of;
      if (previous && owner) add(owner, previous);
    }
  };
  const addRelated = (related: RelatedMessages) => {
    for (const { changes, related: below } of related.values()) {
      addChanges(null, changes);
      addRelated(below);
    }
  };
  for (const { changes, related } of messages) {
    addChanges(table, changes);
    addRelated(related);
  }
  return found;
}
