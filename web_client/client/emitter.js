/** Typed events, without the DOM. */

/** @template {Record<string, unknown>} Events */
export class Emitter {
  #listeners = /** @type {Map<keyof Events, Set<(given: never) => void>>} */ (new Map());

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {(given: Events[Name]) => void} listener
   * @returns {() => void} call it to stop listening
   */
  on(name, listener) {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /**
   * @template {keyof Events} Name
   * @param {Name} name
   * @param {Events[Name]} given
   */
  emit(name, given) {
    for (const listener of this.#listeners.get(name) ?? []) {
      /** @type {(given: Events[Name]) => void} */ (listener)(given);
    }
  }
}
