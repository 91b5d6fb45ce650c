/** Where elements get their names. */

/**
 * Leaves a name alone that is taken: a page may load the elements twice, by itself and with another script, in any
 * order.
 *
 * @param {string} name
 * @param {CustomElementConstructor} element
 */
export function define(name, element) {
  if (!customElements.get(name)) customElements.define(name, element);
}
