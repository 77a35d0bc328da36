import { filterKey } from '../../shared/filter/normalize.js';
import type { Filter } from '../../shared/filter/types.js';
import type { Model, ModelColumn, ModelTable } from '../../shared/model/types.js';
import { guardFilter } from './guard-filter.js';
import type { PresetValues } from './preset.js';
import type { AccessRights, PolicyAction } from './types.js';
import type { WriteAction } from './write-rule.js';

/** Answers as a text: equal for equal rights. */
type RightsCheck = (rights: AccessRights) => string;

/** By question. */
export type RightsChecks = ReadonlyMap<string, RightsCheck>;

/**
 * Rights that remember what was asked of them. Whatever is made with them, and depends on nothing
 * else, is the same for everybody whose rights give the same answers.
 */
export class RecordingRights implements AccessRights {
  readonly #model: Model;
  readonly #rights: AccessRights;
  readonly #questions = new Map<string, RightsCheck>();

  constructor(model: Model, rights: AccessRights) {
    this.#model = model;
    this.#rights = rights;
  }

  get questions(): RightsChecks {
    return this.#questions;
  }

  isExposed(table: ModelTable): boolean {
    this.#ask(`exposed ${table.name}`, (rights) => String(rights.isExposed(table)));
    return this.#rights.isExposed(table);
  }

  filter(table: ModelTable, action: PolicyAction): Filter {
    this.#ask(`${action} ${table.name}`, (rights) => filterKey(rights.filter(table, action)));
    return this.#rights.filter(table, action);
  }

  canReadColumn(table: ModelTable, column: ModelColumn): boolean {
    this.#ask(`read ${table.name}.${column.name}`, (rights) => String(rights.canReadColumn(table, column)));
    return this.#rights.canReadColumn(table, column);
  }

  canWriteColumn(table: ModelTable, column: ModelColumn, action: WriteAction): boolean {
    this.#ask(`${action} ${table.name}.${column.name}`, (rights) =>
      String(rights.canWriteColumn(table, column, action)),
    );
    return this.#rights.canWriteColumn(table, column, action);
  }

  presets(table: ModelTable, action: WriteAction): PresetValues | undefined {
    this.#ask(`preset ${action} ${table.name}`, (rights) => {
      const values = rights.presets(table, action);
      return JSON.stringify(values && [...values].map(([column, text]) => [column.name, text]));
    });
    return this.#rights.presets(table, action);
  }

  refersFreely(table: ModelTable, column: ModelColumn): boolean {
    return this.#rights.refersFreely(table, column);
  }

  guard(table: ModelTable, filter: Filter): Filter {
    return guardFilter(this.#model, this, table, filter);
  }

  #ask(name: string, question: RightsCheck): void {
    if (!this.#questions.has(name)) this.#questions.set(name, question);
  }
}

/** The answers of these rights, in the order of the questions. */
export function rightsFingerprint(questions: RightsChecks, rights: AccessRights): string {
  let answers = '';
  for (const question of questions.values()) answers += `${question(rights)}\n`;
  return answers;
}
