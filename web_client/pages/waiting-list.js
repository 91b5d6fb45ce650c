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
/** Where nothing changes, or the server does not say: all pages that are open with one key share what it may ask. */
const QUIET_MS = 15_000;

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
  #asking = false;
  #next = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  #rows = h('ul', { class: 'waiting' });
  #told = h('p', { role: 'status' });

  element = h('section', {}, this.#told, this.#rows);

  /** Asks the server now and then, while somebody can see it, and at once when somebody looks again. Call it once. */
  async run() {
    document.addEventListener('visibilitychange', () => void this.#ask());
    await this.#ask();
  }

  async #ask() {
    if (this.#asking || document.hidden) return;
    this.#asking = true;
    clearTimeout(this.#next);
    const sessions = await siteSessions();
    this.#asking = false;
    if (sessions === 'signed out') {
      location.reload(); // the door asks for the key
      return;
    }
    const changed = sessions !== null && shown(sessions) !== shown(this.#sessions);
    this.#sessions = sessions;
    this.speak(this.#language);
    this.#next = setTimeout(() => void this.#ask(), changed ? EVERY_MS : QUIET_MS);
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

/** @param {ListedSession[] | null} sessions @returns {string} what can be seen of them */
function shown(sessions) {
  return JSON.stringify(sessions?.map((one) => [one.id, stateOf(one), one.reference]));
}

/** @param {ListedSession} one @returns {number} */
function rank(one) {
  return ORDER.indexOf(stateOf(one));
}
