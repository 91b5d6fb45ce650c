/** The patient's strip: 200 px for the corner of a call. A shape, a word, one sentence when there is one. */

import { h, hide, mark, say, sayPhrases } from '../drawing/dom.js';
import { waveShape } from '../drawing/shapes.js';
import { sheet } from '../drawing/styles.js';
import { inWordsOf } from '../language/dictionary.js';
import { patientText } from '../language/patient-strings.js';
import { sentenceOf, wordOf } from './patient-words.js';

/**
 * @import { PatientActions, PatientModel, Translate } from './patient-words.js'
 */

export const stripSheet = sheet(`
:host { width: 200px; --poor: var(--quiet); }
.strip { display: grid; gap: 8px; padding: 10px 12px; border-radius: 12px; background: var(--card);
  border: 1px solid var(--line); }
.now { display: grid; grid-template-columns: 32px 1fr; gap: 10px; align-items: center; }
.waves { width: 32px; height: 36px; display: block; }
.waves path { fill: none; stroke: currentColor; stroke-width: 7; stroke-linecap: round; }
.waves .off { stroke: var(--wave-off); stroke-dasharray: 0.001 0.999; }
.waves .mouth { fill: currentColor; }
.waves.usable { color: var(--wave); } .waves.poor { color: var(--quiet); }
.word { font-weight: 650; }
.sentence { font-size: 1.125rem; line-height: 1.35; font-weight: 600; text-wrap: pretty; }
.sentence:empty { display: none; }
button { width: 100%; padding: 8px; }
.truth { display: grid; grid-template-columns: 1fr auto; gap: 8px; align-items: center; color: var(--quiet); font-size: 0.8125rem; line-height: 1.3; }
.truth span span { display: block; }
button.plain { width: auto; padding: 4px 12px; font-size: 0.9375rem; }
`);

export class StripView {
  /** @param {ShadowRoot} root @param {PatientActions} actions */
  constructor(root, actions) {
    const on = (/** @type {() => void} */ act) => ({ type: 'button', onclick: () => act() });
    this.#start = h('button', { class: 'main', part: 'start', ...on(actions.start) });
    this.#notNow = h('button', { part: 'not-now', ...on(actions.notNow) });
    this.#pause = h('button', { class: 'plain', part: 'pause', ...on(actions.pause) });
    this.#truth = h('div', { class: 'truth' }, h('span', {}, this.#sending, this.#stored), this.#pause);
    this.#now = h('div', { class: 'now', tabindex: '-1' }, this.#shape, this.#word);
    this.#strip = h('div', { class: 'strip' }, this.#now, this.#sentence, this.#notNow, this.#start, this.#truth);
    this.#root = root;
    root.append(this.#strip);
  }

  #root;
  #strip;
  #start;
  #notNow;
  #pause;
  #truth;
  #now;
  #shape = h('div');
  #word = h('p', { class: 'word', part: 'word' });
  #sentence = h('p', { class: 'sentence', part: 'prompt', role: 'status' });

  #sending = h('span', { part: 'sending' });
  #stored = h('span', { part: 'stored' });

  showLevel() {
    // There is no room for a level.
  }

  /** @param {PatientModel} model */
  render(model) {
    const focused = this.#root.activeElement;
    const t = inWordsOf(patientText, model.language, model.texts);
    const busy = ['connecting', 'live', 'paused', 'reconnecting'].includes(model.state);
    mark(this.#strip, 'lang', model.language);
    this.#drawSpeech(model, busy, t);
    this.#drawTruth(model, busy, t);
    if (focused && focused.closest('[hidden]')) this.#now.focus();
  }

  /** @param {PatientModel} model @param {boolean} busy @param {Translate} t */
  #drawSpeech(model, busy, t) {
    const { state, reading, prompt, silent } = model;
    if (this.#shape.dataset.drawn !== reading.grade) {
      this.#shape.dataset.drawn = reading.grade;
      this.#shape.replaceChildren(waveShape(reading.grade));
    }
    say(this.#word, busy ? t(state === 'connecting' ? 'patient.connecting' : wordOf(reading)) : t('notSending'));
    sayPhrases(this.#sentence, sentenceOf(model, t));
    say(this.#notNow, t('notNow'));
    hide(this.#notNow, prompt === null || state !== 'live' || silent);
    say(this.#start, t(model.resumable ? 'goOn' : state === 'ended' ? 'again' : 'start'));
    hide(this.#start, busy || model.spent);
  }

  /** @param {PatientModel} model @param {boolean} busy @param {Translate} t */
  #drawTruth({ state, ending, sending }, busy, t) {
    say(this.#pause, t(state === 'paused' ? 'goOn' : 'pause'));
    hide(this.#pause, !busy || state === 'connecting' || ending);
    say(this.#sending, t(sending ? 'sendingShort' : 'notSendingShort'));
    say(this.#stored, t('notStoredShort'));
    hide(this.#truth, !busy);
  }
}
