import type { Group } from './group.js';
import type { Outbox } from './outbox.js';
import type { ScopeMessage } from './types.js';

/** One subscription, and the group that tells it: a group may hand it over to another that says the same. */
export class Subscriber {
  readonly outbox: Outbox<ScopeMessage>;
  #group: Group | null = null;

  constructor(outbox: (subscriber: Subscriber) => Outbox<ScopeMessage>) {
    this.outbox = outbox(this);
  }

  get group(): Group | null {
    return this.#group;
  }

  join(group: Group): void {
    this.#group?.remove(this);
    this.#group = group;
    group.add(this);
  }

  /** Resolves to the group that it was the last of. */
  leave(): Group | null {
    const group = this.#group;
    this.#group = null;
    group?.remove(this);
    return group?.size === 0 ? group : null;
  }
}
