/** The headings of an element, below those of the page that it stands in. */

import { mark } from './dom.js';

/**
 * Lowers them all, so that the first is of the level that the host's attribute `heading` names: 1 where there is none,
 * as on a page that has no heading but the element's. Call it once, when the element is built.
 * @param {HTMLElement} host
 * @param {ShadowRoot} root
 */
export function placeHeadings(host, root) {
  const level = Number(host.getAttribute('heading') ?? 1);
  if (!Number.isInteger(level) || level < 2 || level > 5) return;
  for (const heading of root.querySelectorAll('h1, h2')) {
    mark(heading, 'aria-level', String(Number(heading.localName.slice(1)) + level - 1));
  }
}
