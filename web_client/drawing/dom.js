/** Makes elements without markup strings, so that no text from the server is ever parsed as HTML. */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @param {string} tag
 * @param {Record<string, string | boolean | EventListener>} [attributes] `on…` are listeners; `true` an empty
 *   attribute, `false` none
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function h(tag, attributes = {}, ...children) {
  return /** @type {HTMLElement} */ (fill(document.createElement(tag), attributes, children));
}

/**
 * @param {string} tag
 * @param {Record<string, string | boolean>} [attributes]
 * @param {...(Node | string)} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...children) {
  return /** @type {SVGElement} */ (fill(document.createElementNS(SVG, tag), attributes, children));
}

/**
 * @param {Element} element
 * @param {Record<string, string | boolean | EventListener>} attributes
 * @param {(Node | string)[]} children
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children);
  return element;
}

/**
 * Sets the text only when it changes, so that a live region is not read out again.
 * @param {Element} at
 * @param {string} text
 */
export function say(at, text) {
  if (at.textContent !== text) at.textContent = text;
}

/**
 * As `say`, and keeps the phrases of a Chinese sentence together, which are not marked with spaces. One that is longer
 * than the line breaks as Chinese does: no full stop begins a line.
 * @param {Element} at
 * @param {string} text
 */
export function sayPhrases(at, text) {
  if (at.textContent === text) return;
  const phrases = text.match(/.+?(?:[\uff0c\uff1b\uff1a\u3002]+|$)/gu) ?? [];
  if (phrases.length > 1) at.replaceChildren(...phrases.map((phrase) => h('span', { class: 'phrase' }, phrase)));
  else at.textContent = text;
}

/**
 * What a page has set on an element before its class was loaded, as frameworks do: it would hide the property of the
 * class, or be lost under it. For the field of a class.
 * @param {Element} element @param {string} name
 * @returns {any} undefined where nothing was set
 */
export function takeEarly(element, name) {
  const given = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (element));
  if (!Object.hasOwn(given, name)) return undefined;
  const value = given[name];
  delete given[name];
  return value;
}

/** @param {Element} element @param {string} name @param {string | null | undefined} value none: taken off */
export function mark(element, name, value) {
  if (value) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  } else {
    element.removeAttribute(name);
  }
}

/**
 * Only when it changes: setting what is already so costs a frame.
 * @param {HTMLElement} element
 * @param {boolean} hidden
 */
export function hide(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}
