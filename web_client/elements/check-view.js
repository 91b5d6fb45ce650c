/** The private check on the screen: one sentence to read, one verdict, and the microphone to choose. */

import { h, hide, mark, say, sayPhrases } from '../drawing/dom.js';
import { waveShape } from '../drawing/shapes.js';
import { inWordsOf } from '../language/dictionary.js';
import { checkText } from '../language/check-strings.js';
import { patientText } from '../language/patient-strings.js';
import { Truth } from './truth.js';

/**
 * @import { InputDevice } from '../client/devices.js'
 * @import { Texts } from '../language/dictionary.js'
 * @import { CheckKey } from '../language/check-strings.js'
 * @import { Grade, Language } from '../protocol/types.js'
 *
 * @typedef {{language: Language, texts: Texts, sentence: string, advice: string, grade: Grade, busy: boolean,
 *   sending: boolean, stoppable: boolean, done: boolean, spent: boolean, playable: boolean, devices: InputDevice[],
 *   better: InputDevice | null}} CheckModel `spent`: nothing can be begun any more with the token at hand
 *   `better`: another microphone that hears the patient, where the one in use does not
 * @typedef {{start: () => void, stop: () => void, play: () => void, choose: (id: string) => void}} CheckActions
 */

export class CheckView {
  /** @param {ShadowRoot} root @param {CheckActions} actions */
  constructor(root, actions) {
    const on = (/** @type {() => void} */ act) => ({ type: 'button', onclick: () => act() });
    this.#root = root;
    this.#start = h('button', { class: 'main start', part: 'start', ...on(actions.start) });
    this.#stop = h('button', { part: 'stop', ...on(actions.stop) });
    this.#play = h('button', { part: 'play', ...on(actions.play) });
    this.#switch = h('button', { part: 'switch', ...on(() => actions.choose(this.#better)) });
    this.#select = /** @type {HTMLSelectElement} */ (
      h('select', { onchange: () => actions.choose(this.#select.value) })
    );
    this.#device = h('label', { class: 'device', part: 'device' }, this.#deviceName, this.#select);
    this.#level = h('div', { class: 'level', role: 'meter', 'aria-valuemin': '0', 'aria-valuemax': '1' }, h('i'));
    this.#stack = h(
      'section',
      { class: 'card stage' },
      this.#title,
      this.#intro,
      this.#shape,
      this.#level,
      h('div', { class: 'speech', tabindex: '-1' }, this.#sentence, this.#advice, this.#switch),
      h('div', { class: 'actions' }, this.#start, this.#stop, this.#play),
      this.#device,
    );
    root.append(h('div', { class: 'stack' }, this.#stack, this.#truth.element, this.#footer));
  }

  #root;
  #stack;
  #start;
  #stop;
  #play;
  #switch;
  #select;
  #device;
  #level;
  #better = '';
  #title = h('h1');
  #intro = h('p', { class: 'intro' });
  #shape = h('div');
  #sentence = h('p', { class: 'sentence', part: 'verdict', role: 'status' });
  #advice = h('p', { class: 'advice', part: 'advice' });
  #deviceName = h('span');
  #truth = new Truth();
  #footer = h('p', { class: 'quiet footer' });

  /** @param {CheckModel} model @param {number} level 0..1 */
  render(model, level) {
    const focused = this.#root.activeElement;
    this.#draw(model, level);
    const next = this.#root.querySelector('.speech');
    if (focused && focused.closest('[hidden]') && next instanceof HTMLElement) next.focus();
  }

  /** @param {CheckModel} model @param {number} level 0..1 */
  #draw(
    { language, texts, sentence, advice, grade, busy, sending, stoppable, done, spent, playable, devices, better },
    level,
  ) {
    const t = inWordsOf(checkText, language, texts);
    mark(this.#stack, 'lang', language);
    sayPhrases(this.#title, t('title'));
    say(this.#intro, t('intro'));
    hide(this.#intro, busy || done || sentence !== '');
    if (this.#shape.dataset.drawn !== grade) {
      this.#shape.dataset.drawn = grade;
      this.#shape.replaceChildren(waveShape(grade));
    }
    hide(this.#shape, !done);
    hide(this.#level, !busy);
    this.#drawLevel(level, t);
    sayPhrases(this.#sentence, sentence);
    say(this.#advice, advice);
    hide(this.#switch, better === null);
    this.#better = better?.id ?? '';
    say(this.#switch, t('switchTo', { name: better?.name ?? '' }));
    say(this.#start, t(done ? 'again' : 'start'));
    hide(this.#start, busy || spent);
    say(this.#stop, t('stop'));
    hide(this.#stop, !stoppable);
    say(this.#play, t('hear'));
    hide(this.#play, !playable);
    this.#drawDevices(devices, t);
    this.#truth.show(sending, inWordsOf(patientText, language, texts));
    sayPhrases(this.#footer, t('noDiagnosis'));
  }

  /** @param {number} level @param {(key: CheckKey) => string} t */
  #drawLevel(level, t) {
    mark(this.#level, 'aria-label', t('level'));
    mark(this.#level, 'aria-valuetext', t(level > 0.15 ? 'levelSome' : 'levelNone'));
    mark(this.#level, 'aria-valuenow', level.toFixed(1));
    /** @type {HTMLElement} */ (this.#level.firstElementChild).style.transform = `scaleX(${level.toFixed(3)})`;
  }

  /** @param {InputDevice[]} devices @param {(key: CheckKey, values?: Record<string, string>) => string} t */
  #drawDevices(devices, t) {
    hide(this.#device, devices.length < 2);
    say(this.#deviceName, t('device'));
    const names = devices.map(({ name }, i) => name || t('deviceUnnamed', { n: String(i + 1) }));
    const drawn = JSON.stringify([names, devices]);
    if (this.#select.dataset.drawn === drawn) return;
    this.#select.dataset.drawn = drawn;
    this.#select.replaceChildren(...devices.map(({ id }, i) => h('option', { value: id }, names[i] ?? '')));
    this.#select.value = devices.find(({ used }) => used)?.id ?? '';
  }
}
