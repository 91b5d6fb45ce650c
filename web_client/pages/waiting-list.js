/** The sessions of one's own site, whoever needs help first, each a link to its meter. */

import { h, mark, say } from '../drawing/dom.js';
import { staffText } from '../language/staff-strings.js';
import { shortCode } from '../meter/short-code.js';
import { siteSessions } from '../transport/sessions.js';

/**
 * @import { StaffKey } from '../language/staff-strings.js'
 * @import { Language } from '../protocol/types.js'
 * @import { ListedSession } from '../transport/sessions.js'
 */

const EVERY_MS = 5000;

/** @type {StaffKey[]} the first that is true of a session is said */
const ORDER = [
  'row.poor',
  'row.reconnecting',
  'row.usable',
  'row.listening',
  'row.clear',
  'row.paused',
  'row.announced',
];

export class WaitingList {
  /** @param {URL} address of the page */
  constructor(address) {
    this.#address = address;
  }

  #address;
  #language = /** @type {Language} */ ('en');
  #sessions = /** @type {ListedSession[] | null} */ ([]);
  #rows = h('ul', { class: 'waiting' });
  #told = h('p', { role: 'status' });

  element = h('section', {}, this.#told, this.#rows);

  /** Asks the server now and then, while somebody can see it. Call it once. */
  async run() {
    if (!document.hidden) {
      this.#sessions = await siteSessions();
      this.speak(this.#language);
    }
    setTimeout(() => void this.run(), EVERY_MS);
  }

  /** @param {Language} language */
  speak(language) {
    this.#language = language;
    const told = this.#sessions === null ? 'listUnknown' : this.#sessions.length ? 'list' : 'listEmpty';
    say(this.#told, staffText(told, language));
    const sorted = [...(this.#sessions ?? [])].sort((one, other) => rank(one) - rank(other));
    // Whoever stands on a row with the keyboard still does, wherever it moves.
    const focused = this.#rows.querySelector(':focus');
    const old = new Map([...this.#rows.children].map((row) => [row.getAttribute('data-session'), row]));
    this.#rows.replaceChildren(...sorted.map((one) => this.#row(one, old.get(one.id))));
    if (focused instanceof HTMLElement) focused.focus();
  }

  /** @param {ListedSession} one @param {Element} [old] */
  #row(one, old) {
    const row = old ?? h('li', { 'data-session': one.id }, h('a', {}, h('b'), h('span')));
    const [link] = row.children;
    const [word, who] = link?.children ?? [];
    if (!link || !word || !who) return row;
    const address = new URL(this.#address);
    address.searchParams.set('session', one.id);
    if (link.getAttribute('href') !== address.href) mark(link, 'href', address.href);
    mark(row, 'data-state', stateOf(one).slice('row.'.length));
    say(word, staffText(stateOf(one), this.#language));
    say(who, one.reference ?? shortCode(one.id));
    return row;
  }
}

/** @param {ListedSession} one @returns {StaffKey} */
function stateOf({ state, grade }) {
  if (state !== 'live') return `row.${state}`;
  return grade === null || grade === 'nodata' ? 'row.listening' : `row.${grade}`;
}

/** @param {ListedSession} one @returns {number} */
function rank(one) {
  return ORDER.indexOf(stateOf(one));
}
