/** `/webhooks`: where webhooks of the site go and what could not be delivered, each with a button to send it again. */

import { h, hide, mark, say } from '../drawing/dom.js';
import { KNOWN, webhooksText } from '../language/webhooks-strings.js';
import { deadDeliveries, sendAgain, sendAllAgain, siteEndpoints } from '../transport/webhooks.js';
import { showToStaff } from './staff-page.js';

/**
 * @import { RecordsKey } from '../language/records-strings.js'
 * @import { WebhooksKey } from '../language/webhooks-strings.js'
 * @import { Language } from '../protocol/types.js'
 * @import { Refusal } from '../transport/records.js'
 * @import { DeadDelivery, WebhookEndpoint } from '../transport/webhooks.js'
 * @import { StaffDoor } from './staff-door.js'
 */

class Webhooks {
  /** @param {(key: RecordsKey | null) => void} tell */
  constructor(tell) {
    this.#tell = tell;
    this.#empty.append(this.#teaching, this.#command);
    const actions = h('div', { class: 'actions' }, this.#all, this.#reload);
    const parts = [this.#title, this.#intro, this.#endpointsTitle, this.#endpointList, this.#deadTitle];
    this.element.append(...parts, actions, this.#said, this.#deadList, this.#more, this.#empty);
    addEventListener('keydown', (event) => this.#pressed(event));
  }

  #tell;
  #language = /** @type {Language} */ ('en');
  #site = '';
  #busy = false;
  #closed = /** @type {WebhooksKey | null} */ (null);
  #endpoints = /** @type {WebhookEndpoint[]} */ ([]);
  #dead = /** @type {DeadDelivery[]} */ ([]);
  #next = /** @type {number | null} */ (null);
  #outcome = /** @type {{key: WebhooksKey, count: string} | null} */ (null);
  #title = h('h1', { tabindex: '-1' });
  #intro = h('p');
  #endpointsTitle = h('h2');
  #endpointList = h('ul');
  #deadTitle = h('h2');
  #deadList = h('ul');
  #said = h('p', { role: 'status' });
  #all = h('button', { type: 'button', onclick: () => void this.#sent(() => sendAllAgain(null)) });
  #reload = h('button', { type: 'button', onclick: () => void this.#again() });
  #more = h('button', { type: 'button', onclick: () => void this.#turn() });
  #teaching = h('p');
  #command = h('code');
  #empty = h('div', { class: 'card' });
  element = h('section', { class: 'review webhooks' });

  /** @param {StaffDoor} door */
  async run(door) {
    this.#site = door.site ?? '';
    if (door.webhooks) await this.#read();
    else this.#shut(door.site === null ? 'noKeys' : 'adminsOnly');
  }

  async #read() {
    const [found, dead] = await Promise.all([siteEndpoints(), deadDeliveries(null)]);
    if (typeof found === 'string') return this.#refused(found);
    if (typeof dead === 'string') return this.#refused(dead);
    this.#endpoints = found.endpoints;
    [this.#dead, this.#next] = [dead.dead, dead.next];
    this.#tell(null);
    this.speak(this.#language);
  }

  async #again() {
    this.#outcome = null;
    await this.#read();
  }

  async #turn() {
    const page = await deadDeliveries(this.#next);
    if (typeof page === 'string') return this.#refused(page);
    [this.#dead, this.#next] = [[...this.#dead, ...page.dead], page.next];
    this.speak(this.#language);
  }

  /** @param {Refusal} why */
  #refused(why) {
    if (why === 'signed out') location.reload();
    else if (why === 'no keys') this.#shut('adminsOnly');
    else this.#tell(why);
  }

  /** @param {WebhooksKey} why nothing can be shown */
  #shut(why) {
    this.#closed = why;
    [this.#endpoints, this.#dead, this.#next] = [[], [], null];
    this.#tell(null);
    this.speak(this.#language);
  }

  /**
   * Whoever stands on a button with the keyboard stands on the one that takes its place, or at the head of the page.
   * @param {() => Promise<{replayed: number} | Refusal>} ask
   * @param {number} [place] of the row
   */
  async #sent(ask, place = 0) {
    if (this.#busy) return;
    this.#busy = true;
    const told = await ask();
    this.#busy = false;
    if (told === 'signed out' || told === 'no keys') return this.#refused(told);
    this.#outcome = typeof told === 'string' ? { key: 'gone', count: '' } : { key: 'sent', count: `${told.replayed}` };
    await this.#read();
    const buttons = this.#deadList.querySelectorAll('button');
    (buttons[Math.min(place, buttons.length - 1)] ?? this.#title).focus();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (['Control', 'Meta', 'Alt'].some((held) => event.getModifierState(held)) || event.repeat) return;
    if (this.#closed || this.element.hidden || !this.element.isConnected) return;
    const key = event.key.toLowerCase();
    if (key === 'r') void this.#again();
    else if (key === 'a' && this.#dead.length) void this.#sent(() => sendAllAgain(null));
    else return;
    event.preventDefault();
  }

  /** @param {Language} language */
  speak(language) {
    this.#language = language;
    const t = this.#text;
    say(this.#title, t('title'));
    say(this.#intro, t('intro'));
    say(this.#endpointsTitle, t('endpoints'));
    say(this.#deadTitle, t('dead'));
    say(this.#all, t('againAll'));
    say(this.#reload, t('reload'));
    say(this.#more, t('more'));
    say(this.#said, this.#outcome ? t(this.#outcome.key, { count: this.#outcome.count }) : '');
    const [untold, quiet] = [this.#endpoints.length === 0, this.#dead.length === 0];
    const [closed, teaches] = [this.#closed !== null, untold && this.#closed === null];
    say(this.#teaching, t(this.#closed ?? (untold ? 'noEndpoints' : 'noDead')));
    say(this.#command, teaches ? `tingqing webhooks add URL --site ${this.#site}` : '');
    hide(this.#command, !teaches);
    hide(this.#intro, closed);
    hide(this.#reload, closed);
    hide(this.#empty, !quiet);
    hide(this.#endpointsTitle, untold);
    hide(this.#deadTitle, quiet);
    hide(this.#all, quiet);
    hide(this.#more, this.#next === null);
    this.#endpointList.replaceChildren(...this.#endpoints.map((one) => this.#endpoint(one)));
    this.#deadList.replaceChildren(...this.#dead.map((one, place) => this.#delivery(one, place)));
  }

  /** @param {WebhooksKey} key @param {Record<string, string>} [values] */
  #text = (key, values = {}) => webhooksText(key, this.#language, values);

  /** @param {WebhookEndpoint} one */
  #endpoint(one) {
    const t = this.#text;
    const counts = t('counts', { waiting: String(one.waiting), dead: String(one.dead) });
    const state = one.state === 'paused' ? t('paused', { id: one.id }) : t('told');
    const about = h('div', {}, h('b', {}, one.host), h('span', {}, `${one.id} · ${state}`), h('span', {}, counts));
    const row = h('li', { class: 'card', 'data-endpoint': one.id }, about);
    if (one.dead) {
      const button = h('button', { type: 'button', onclick: () => void this.#sent(() => sendAllAgain(one.id)) });
      say(button, t('again'));
      mark(button, 'aria-label', t('againOf', { host: one.host }));
      row.append(button);
    }
    return row;
  }

  /** @param {DeadDelivery} one @param {number} place in the list */
  #delivery(one, place) {
    const t = this.#text;
    const at = this.#date(one.given_up_at ?? one.created_at);
    const what = this.#word(one.type);
    const tries = t('tries', { attempts: String(one.attempts) });
    const about = h('div', {}, h('b', {}, what), h('span', {}, `${one.host} · ${at}`));
    about.append(h('span', {}, `${this.#reason(one)} · ${tries}`));
    const button = h('button', { type: 'button', onclick: () => void this.#sent(() => sendAgain(one.number), place) });
    say(button, t('again'));
    mark(button, 'aria-label', t('againOne', { what, host: one.host, at }));
    return h('li', { class: 'card', 'data-number': String(one.number) }, about, button);
  }

  /** @param {DeadDelivery} one */
  #reason({ status, why }) {
    if (status === null) return this.#word(why);
    return this.#text(why === 'redirect' ? 'redirect' : 'answered', { status: String(status) });
  }

  /** @param {string} word of the server */
  #word(word) {
    const key = KNOWN[word];
    return key ? this.#text(key) : word;
  }

  /** @param {string} at */
  #date(at) {
    return new Date(at).toLocaleString(this.#language === 'zh' ? 'zh-CN' : 'en-GB');
  }
}

await showToStaff((tell) => new Webhooks(tell));
