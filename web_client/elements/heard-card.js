/** 听得清 / 听不清: whether the doctor can hear the patient, by one click. The last one counts. */

import { h, hide, mark, say } from '../drawing/dom.js';

/**
 * @import { DoctorModel, Translate } from './doctor-words.js'
 * @import { HeardOutcome } from '../transport/heard.js'
 * @import { DoctorKey } from '../language/doctor-strings.js'
 */

/** @type {Readonly<Record<HeardOutcome, DoctorKey>>} */
const TOLD = { kept: 'heardKept', notKept: 'heardNotKept', failed: 'heardFailed' };

export class HeardCard {
  /** @param {(clear: boolean) => Promise<HeardOutcome>} send */
  constructor(send) {
    this.#send = send;
    const press = (/** @type {boolean} */ clear) => ({ type: 'button', onclick: () => void this.#pressed(clear) });
    this.#clear = h('button', { part: 'heard-clearly', ...press(true) });
    this.#unclear = h('button', { part: 'heard-badly', ...press(false) });
    this.element.append(this.#title, h('div', { class: 'answers' }, this.#clear, this.#unclear), this.#note);
  }

  #send;
  element = h('section', { class: 'card heard', part: 'heard' });
  #title = h('h2');
  #clear;
  #unclear;
  #note = h('p', { class: 'quiet', role: 'status' });
  #session = '';
  #said = /** @type {boolean | null} */ (null);
  #outcome = /** @type {HeardOutcome | null} */ (null);

  /** @param {DoctorModel} model @param {Translate} t */
  render({ meter }, t) {
    if (meter.sessionId !== this.#session) {
      this.#session = meter.sessionId;
      this.#said = this.#outcome = null;
    }
    // Before the first score there was nothing to hear.
    hide(this.element, meter.update === null && meter.result === null);
    say(this.#title, t('canYouHear'));
    say(this.#clear, t('heardClearly'));
    say(this.#unclear, t('heardBadly'));
    mark(this.#clear, 'aria-pressed', String(this.#said === true));
    mark(this.#unclear, 'aria-pressed', String(this.#said === false));
    say(this.#note, this.#outcome ? t(TOLD[this.#outcome]) : '');
  }

  /** @param {boolean} clear */
  async #pressed(clear) {
    const session = this.#session;
    const outcome = await this.#send(clear);
    if (session !== this.#session) return;
    this.#outcome = outcome;
    if (outcome !== 'failed') this.#said = clear;
  }
}
