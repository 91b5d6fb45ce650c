/** The door of the doctor's page on a server with keys: who has no link signs in with a viewer key. */

import { Invitation } from './invitation.js';
import { WaitingList } from './waiting-list.js';
import { h, mark, say } from '../drawing/dom.js';
import { staffText } from '../language/staff-strings.js';
import { siteSessions } from '../transport/sessions.js';
import { shortCode } from '../meter/short-code.js';
import { signIn, signInState, signOut } from '../transport/sign-in.js';

/**
 * @import { StaffKey } from '../language/staff-strings.js'
 * @import { Language } from '../protocol/types.js'
 * @import { SignInState } from '../transport/sign-in.js'
 */

const SESSION = /\b[0-9a-f]{32}\b/;
/** What patient and doctor read to each other. */
const SHORT_CODE = /^[0-9a-f]{6}$/i;

/** @type {Readonly<Record<string, StaffKey>>} */
const TOLD = { unauthorized: 'unauthorized', unreachable: 'unreachable' };

export class StaffDoor {
  /** @param {URL} address of the page */
  constructor(address) {
    this.#address = address;
    this.#list = new WaitingList(address);
    this.#form.append(this.#title, this.#intro, this.#label, this.#enter, this.#told);
    this.#label.append(this.#name, this.#field);
    this.strip.append(this.#site, this.#leave);
  }

  #address;
  #list;
  #invitation = new Invitation();
  #language = /** @type {Language} */ ('en');
  #state = /** @type {SignInState} */ ({ needed: false, site: null });
  #unknown = false;
  #problem = /** @type {StaffKey | null} */ (null);
  #title = h('h1');
  #intro = h('p');
  #name = h('span');
  #field = /** @type {HTMLInputElement} */ (h('input', { required: true, autocomplete: 'off', spellcheck: 'false' }));
  #label = h('label');
  #enter = h('button', {});
  #told = h('p', { role: 'alert' });
  #form = h('form', {
    class: 'door',
    onsubmit: (event) => this.#submitted(event),
  });
  #site = h('span');
  #leave = h('button', { type: 'button', onclick: () => void this.#left() });

  /** Shown in place of the element while `closed`. */
  element = h('div', {}, this.#form);
  /** "New visit", for the page to place where `invites`. */
  get invitation() {
    return this.#invitation;
  }

  /** Shown in the head of the page to who signed in. */
  strip = h('span', { class: 'staff', hidden: true });

  /** Whether new visits can be made here: shown above everything else while no session is chosen. */
  get invites() {
    const inside = !this.#state.needed || this.#state.site !== null;
    return inside && this.#state.invites === true && !this.#address.searchParams.get('session');
  }

  /** Whether recordings can be sent here. */
  get uploads() {
    return !this.#state.needed || this.#state.uploads === true;
  }

  /** Whether results are kept, and may be read by who signed in. */
  get reads() {
    return this.#state.site !== null;
  }

  /** Whether what could not be delivered can be seen here, and sent again. */
  get webhooks() {
    return this.#state.webhooks === true;
  }

  /** Whose pages these are; null on a server without keys, and where nobody signed in. */
  get site() {
    return this.#state.site;
  }

  /** Whether the page can show no session yet. */
  get closed() {
    return this.#state.needed && (this.#state.site === null || !this.#address.searchParams.get('session'));
  }

  /** Asks the server. Call it once. */
  async load() {
    const state = await signInState();
    this.#unknown = state === null;
    this.#state = state ?? { needed: true, site: null };
    if (this.#unknown) this.#problem = 'unknown';
    this.strip.hidden = this.#state.site === null;
    this.#field.type = this.#state.site === null ? 'password' : 'text';
    this.speak(this.#language);
    if (this.closed && this.#state.site !== null) {
      this.element.prepend(this.#list.element);
      void this.#list.run();
    }
    if (this.invites) this.invitation.speak(this.#language);
  }

  /** @param {Language} language */
  speak(language) {
    this.#language = language;
    const inside = this.#state.site !== null;
    const t = (/** @type {StaffKey} */ key) => staffText(key, language, { site: this.#state.site ?? '' });
    mark(this.element, 'lang', language);
    this.#list.speak(language);
    this.#invitation.speak(language);
    say(this.#title, t(inside ? 'open' : 'title'));
    say(this.#intro, inside ? '' : t('intro'));
    say(this.#name, t(inside ? 'session' : 'key'));
    say(this.#enter, t(inside ? 'open' : 'signIn'));
    say(this.#told, this.#problem ? t(this.#problem) : '');
    say(this.#site, inside ? t('site') : '');
    say(this.#leave, t('signOut'));
  }

  /** @param {Event} event */
  #submitted(event) {
    event.preventDefault();
    const given = this.#field.value.trim();
    if (this.#state.site !== null) void this.#open(given);
    else void this.#enterWith(given);
  }

  /** @param {string} key */
  async #enterWith(key) {
    const failure = await signIn(key);
    if (failure === null) {
      this.#field.value = '';
      location.reload();
      return;
    }
    const code = failure.detail.split(':')[0] ?? '';
    this.#problem = TOLD[failure.code] ?? (code === 'forbidden' ? 'forbidden' : 'other');
    if (code === 'too_many_requests') this.#problem = 'tooMany';
    this.speak(this.#language);
  }

  /** @param {string} given */
  async #open(given) {
    const session = SHORT_CODE.test(given) ? await sessionOfCode(given) : SESSION.exec(given)?.[0];
    if (session) {
      this.#address.searchParams.set('session', session);
      location.assign(this.#address);
    } else {
      this.#problem = SHORT_CODE.test(given) ? 'noSuchCode' : 'noSession';
      this.speak(this.#language);
    }
  }

  async #left() {
    if (await signOut()) {
      location.reload();
      return;
    }
    say(this.#site, staffText('notSignedOut', this.#language));
    mark(this.#site, 'role', 'alert');
  }
}

/**
 * Among the sessions of one's own site.
 * @param {string} code
 * @returns {Promise<string | undefined>} none: there is no such session, or more than one
 */
async function sessionOfCode(code) {
  const sessions = await siteSessions();
  if (!Array.isArray(sessions)) return undefined;
  const meant = sessions.filter(({ id }) => shortCode(id) === code.toUpperCase());
  return meant.length === 1 ? meant[0]?.id : undefined;
}
