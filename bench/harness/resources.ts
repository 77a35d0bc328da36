/** What is open, closed in the reverse order of its opening; what cannot be closed does not keep the rest open. */
export class Resources {
  #open: (() => Promise<unknown>)[] = [];
  #closing: Promise<void> = Promise.resolve();

  add<T>(resource: T, close: (resource: T) => Promise<unknown>): T {
    this.#open.push(() => close(resource));
    return resource;
  }

  /** Twice is fine, also at the same time: both wait for the end. */
  close(): Promise<void> {
    this.#closing = this.#closing.then(() => this.#closeAll());
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    for (const close of this.#open.splice(0).reverse()) {
      await close().catch((error: unknown) => console.error('could not be closed:', error));
    }
  }
}
