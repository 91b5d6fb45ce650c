/** The patient's strip: 200 px for the corner of a call. A shape, a word, and one sentence when there is one. */

import { h, mark, say, sayPhrases } from '../drawing/dom.js';
import { waveShape } from '../drawing/shapes.js';
import { sheet } from '../drawing/styles.js';
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
`);

export class StripView {
  /** @param {ShadowRoot} root @param {PatientActions} actions */
  constructor(root, actions) {
    const on = (/** @type {() => void} */ act) => ({ type: 'button', onclick: () => act() });
    this.#start = h('button', { class: 'main', part: 'start', ...on(actions.start) });
    this.#notNow = h('button', { part: 'not-now', ...on(actions.notNow) });
    this.#now = h('div', { class: 'now', tabindex: '-1' }, this.#shape, this.#word);
    this.#strip = h('div', { class: 'strip' }, this.#now, this.#sentence, this.#notNow, this.#start);
    this.#root = root;
    root.append(this.#strip);
  }

  #root;
  #strip;
  #start;
  #notNow;
  #now;
  #shape = h('div');
  #word = h('p', { class: 'word', part: 'word' });
  #sentence = h('p', { class: 'sentence', part: 'prompt', role: 'status' });

  showLevel() {
    // There is no room for a level.
  }

  /** @param {PatientModel} model */
  render(model) {
    const focused = this.#root.activeElement;
    const { state, language, reading, prompt, silent } = model;
    /** @type {Translate} */
    const t = (key, values) => patientText(key, language, values);
    const busy = ['connecting', 'live', 'paused', 'reconnecting'].includes(state);
    mark(this.#strip, 'lang', language);
    if (this.#shape.dataset.drawn !== reading.grade) {
      this.#shape.dataset.drawn = reading.grade;
      this.#shape.replaceChildren(waveShape(reading.grade));
    }
    say(this.#word, busy ? t(state === 'connecting' ? 'patient.connecting' : wordOf(reading)) : t('notSending'));
    sayPhrases(this.#sentence, sentenceOf(model, t));
    say(this.#notNow, t('notNow'));
    this.#notNow.hidden = prompt === null || state !== 'live' || silent;
    say(this.#start, t(model.resumable ? 'goOn' : state === 'ended' ? 'again' : 'start'));
    this.#start.hidden = busy;
    if (focused && !focused.checkVisibility()) this.#now.focus();
  }
}
