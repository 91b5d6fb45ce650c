/** "New visit": announces a session, and shows the patient's link, its QR code, and the doctor's own link. */

import { h, mark, say, svg } from '../drawing/dom.js';
import { staffText } from '../language/staff-strings.js';
import { shortCode } from '../meter/short-code.js';
import { announce, qrCode } from '../transport/invitations.js';

/**
 * @import { StaffKey } from '../language/staff-strings.js'
 * @import { Language } from '../protocol/types.js'
 * @import { Announced, QrCode } from '../transport/invitations.js'
 *
 * @typedef {'visit' | 'recording'} Mode
 */

const COPIED_MS = 3000;
const LONGEST_REFERENCE = 200;

export class Invitation {
  constructor() {
    this.#form.append(
      this.#title,
      this.#kind,
      h('label', {}, this.#referenceName, this.#reference),
      this.#make,
      this.#problem,
    );
    this.#kind.append(this.#kindName, this.#visit.label, this.#recording.label);
    this.#ready.append(this.#readyTitle, this.#told, this.#code, this.#actions, this.#until, this.#again);
    this.#actions.append(this.#copy, this.#open);
    this.element.append(this.#form, this.#ready);
  }

  #language = /** @type {Language} */ ('en');
  #announced = /** @type {(Announced & {mode: Mode}) | null} */ (null);
  #failed = /** @type {StaffKey | null} */ (null);
  #copied = false;
  #busy = false;
  #title = h('h2');
  #kindName = h('legend');
  #kind = h('fieldset');
  #visit = choice('visit', true);
  #recording = choice('recording', false);
  #referenceName = h('span');
  #reference = /** @type {HTMLInputElement} */ (
    h('input', { autocomplete: 'off', maxlength: String(LONGEST_REFERENCE) })
  );
  #make = /** @type {HTMLButtonElement} */ (h('button', {}));
  #problem = h('p', { role: 'alert' });
  #form = h('form', { class: 'door invitation', onsubmit: (event) => void this.#submitted(event) });
  #readyTitle = h('h2', { tabindex: '-1' });
  #told = h('p');
  #code = h('div', { class: 'qr', role: 'img' });
  #copy = h('button', { type: 'button', onclick: () => void this.#copyLink() });
  #open = h('a', { class: 'button' });
  #actions = h('div', { class: 'actions' });
  #until = h('p', { class: 'quiet' });
  #again = h('button', { type: 'button', class: 'plain', onclick: () => this.#begin() });
  #ready = h('section', { class: 'door ready', hidden: true });

  element = h('div', {});

  /** @param {Language} language */
  speak(language) {
    this.#language = language;
    const t = (/** @type {StaffKey} */ key, /** @type {Record<string, string>} */ values = {}) =>
      staffText(key, language, values);
    mark(this.element, 'lang', language === 'zh' ? 'zh-CN' : 'en');
    say(this.#title, t('invite'));
    say(this.#kindName, t('inviteKind'));
    say(this.#visit.name, t('inviteVisit'));
    say(this.#recording.name, t('inviteRecording'));
    say(this.#referenceName, t('inviteReference'));
    say(this.#make, t('inviteMake'));
    say(this.#problem, this.#failed ? t(this.#failed) : '');
    say(this.#again, t('inviteAnother'));
    say(this.#copy, t(this.#copied ? 'inviteCopied' : 'inviteCopy'));
    const announced = this.#announced;
    if (!announced) return;
    say(this.#readyTitle, t('inviteReady', { code: shortCode(announced.id) }));
    say(this.#told, t(announced.mode === 'visit' ? 'inviteToldVisit' : 'inviteToldRecording'));
    mark(this.#code, 'aria-label', t('inviteQr'));
    say(this.#open, t(announced.mode === 'visit' ? 'inviteJoin' : 'inviteWatch'));
    say(this.#until, t('inviteUntil', { time: timeOf(announced.expires_at, language) }));
  }

  /** @param {Event} event */
  async #submitted(event) {
    event.preventDefault();
    if (this.#busy) return;
    this.#busy = true;
    const mode = this.#visit.input.checked ? 'visit' : 'recording';
    const reference = this.#reference.value.trim();
    const answer = await announce({ mode, ...(reference && { reference }) });
    this.#busy = false;
    if ('code' in answer) {
      this.#failed =
        answer.detail.startsWith('at_capacity') || answer.code === 'at_capacity' ? 'inviteFull' : 'inviteFailed';
      this.speak(this.#language);
      return;
    }
    await this.#show({ ...answer, mode });
  }

  /** @param {Announced & {mode: Mode}} announced */
  async #show(announced) {
    this.#announced = announced;
    this.#failed = null;
    this.#copied = false;
    mark(this.#open, 'href', announced.mode === 'visit' ? announced.visit_doctor_url : announced.nudge_url);
    this.#code.replaceChildren();
    this.#form.hidden = true;
    this.#ready.hidden = false;
    mark(this.#ready, 'data-session', announced.id);
    this.speak(this.#language);
    this.#readyTitle.focus();
    const drawn = await qrCode(this.#link);
    if (this.#announced === announced && !('code' in drawn)) this.#code.replaceChildren(picture(drawn));
  }

  /** The patient's. */
  get #link() {
    if (!this.#announced) return '';
    return this.#announced.mode === 'visit' ? this.#announced.visit_url : this.#announced.patient_url;
  }

  #begin() {
    this.#announced = null;
    this.#reference.value = '';
    this.#ready.hidden = true;
    this.#form.hidden = false;
    this.#reference.focus();
  }

  async #copyLink() {
    if (!navigator.clipboard) {
      window.prompt(staffText('inviteCopy', this.#language), this.#link); // an insecure page has no clipboard
      return;
    }
    await navigator.clipboard.writeText(this.#link);
    this.#copied = true;
    this.speak(this.#language);
    setTimeout(() => {
      this.#copied = false;
      this.speak(this.#language);
    }, COPIED_MS);
  }
}

/** @param {string} moment ISO 8601 @param {Language} language @returns {string} in the reader's own time */
function timeOf(moment, language) {
  const tag = language === 'zh' ? 'zh-CN' : 'en-GB';
  return new Date(moment).toLocaleTimeString(tag, { hour: '2-digit', minute: '2-digit' });
}

/** @param {Mode} value @param {boolean} checked */
function choice(value, checked) {
  const input = /** @type {HTMLInputElement} */ (h('input', { type: 'radio', name: 'kind', value, checked }));
  const name = h('span');
  return { input, name, label: h('label', { class: 'choice' }, input, name) };
}

/** Dark on light, whatever the page: not every camera reads it the other way round. @param {QrCode} code */
function picture({ size, path }) {
  return svg(
    'svg',
    { viewBox: `0 0 ${size} ${size}`, 'shape-rendering': 'crispEdges', 'aria-hidden': 'true' },
    svg('path', { d: `M0 0h${size}v${size}h-${size}z`, fill: '#fff' }),
    svg('path', { d: path, fill: '#000' }),
  );
}
