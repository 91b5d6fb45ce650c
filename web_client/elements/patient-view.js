/** The patient's element on the screen: built once, then updated. */

import { h, hide, mark, say, sayPhrases } from '../drawing/dom.js';
import { UploadCard, verdictBlock } from './upload.js';
import { sentenceOf, wordOf } from './patient-words.js';
import { Truth } from './truth.js';
import { waveShape } from '../drawing/shapes.js';
import { inWordsOf } from '../language/dictionary.js';
import { patientText } from '../language/patient-strings.js';
import { FailureCode } from '../protocol/failures.js';

/**
 * @import { PatientActions, PatientModel, Translate } from './patient-words.js'
 */

/** Of the bar, 12 pixels each: what has not moved by one is not drawn, for each time costs the page a frame. */
const LEVEL_STEPS = 24;
const LEVEL_TOLD_EVERY_MS = 1000;

export class PatientView {
  /** @param {ShadowRoot} root @param {PatientActions} actions @param {string | null} server */
  constructor(root, actions, server) {
    const on = (/** @type {() => void} */ act) => ({ onclick: () => act() });
    this.#start = h('button', { class: 'main start', part: 'start', type: 'button', ...on(actions.start) });
    this.#pause = h('button', { type: 'button', part: 'pause', ...on(actions.pause) });
    this.#finish = h('button', { type: 'button', part: 'finish', ...on(actions.finish) });
    this.#notNow = h('button', { type: 'button', part: 'not-now', ...on(actions.notNow) });
    this.#copy = h('button', { type: 'button', part: 'copy', ...on(() => void this.#copyLink()) });
    this.#actions = h('div', { class: 'actions' }, this.#pause, this.#finish);
    this.#level = h('div', { class: 'level', role: 'meter', 'aria-valuemin': '0', 'aria-valuemax': '1' }, this.#bar);
    this.#meter = h('div', { class: 'meter' }, this.#shape, this.#word);
    this.#speech = h('div', { class: 'speech', tabindex: '-1' }, this.#sentence, this.#mistaken, this.#notNow);
    this.#doctor = h(
      'section',
      { class: 'card doctor', part: 'doctor' },
      h('p', {}, this.#doctorTitle, this.#code),
      this.#link,
      this.#copy,
      this.#notices,
    );
    this.#upload = new UploadCard(server, actions.labels);
    this.#stack.append(
      h(
        'section',
        { class: 'card stage' },
        this.#title,
        this.#intro,
        this.#meter,
        this.#level,
        this.#speech,
        this.#summary,
        this.#start,
        this.#actions,
      ),
      this.#truth.element,
      this.#doctor,
      this.#upload.element,
      this.#footer,
    );
    this.#root = root;
    root.append(this.#stack);
  }

  #root;
  #stack = h('div', { class: 'stack' });
  #title = h('h1');
  #bar = h('i');
  #intro = h('p', { class: 'intro' });
  #shape = h('div');
  #word = h('p', { class: 'word', part: 'word' });
  #sentence = h('p', { class: 'sentence', part: 'prompt', role: 'status', 'aria-live': 'polite' });
  /** What is wrong with the labels of a link, for whoever wrote it. */
  #mistaken = h('p', { class: 'quiet', part: 'mistaken', hidden: true });
  #summary = h('div', { class: 'summary', hidden: true, tabindex: '-1' });
  #truth = new Truth();
  #doctorTitle = h('span', { class: 'quiet' });
  #code = h('span', { class: 'code', part: 'code' });
  #notices = h('p', { class: 'quiet', part: 'notices', hidden: true });
  #link = h('a', { target: '_blank', rel: 'noopener', part: 'doctor-link' });
  #footer = h('p', { class: 'quiet footer' });
  #start;
  #pause;
  #finish;
  #notNow;
  #copy;
  #actions;
  #level;
  #meter;
  #speech;
  #doctor;
  #upload;
  #drawn = '';
  #full = -1;
  #toldAt = -Infinity;
  #copied = false;
  #t = /** @type {Translate} */ (inWordsOf(patientText, 'en'));

  /** A recording was dropped somewhere on the page. @param {File} file */
  assess(file) {
    return this.#upload.assess(file);
  }

  /** @param {boolean} over a file is being dragged over the page */
  dragging(over) {
    this.#upload.element.classList.toggle('over', over);
  }

  /** It comes with each chunk of sound, and drawing each costs more than all else. @param {number} level 0..1 */
  showLevel(level) {
    const full = Math.round(level * LEVEL_STEPS);
    if (full === this.#full) return;
    this.#full = full;
    this.#bar.style.transform = `scaleX(${full / LEVEL_STEPS})`;
  }

  /** @param {PatientModel} model @param {number} level 0..1 */
  render(model, level) {
    const focused = this.#root.activeElement;
    this.#draw(model, level);
    // A button that has just been pressed may be gone: the next thing to read gets its place.
    if (focused && focused.closest('[hidden]')) (this.#speech.hidden ? this.#summary : this.#speech).focus();
  }

  /** @param {PatientModel} model @param {number} level 0..1 */
  #draw(model, level) {
    const { state, language } = model;
    const t = inWordsOf(patientText, language, model.texts);
    this.#t = t;
    const running = ['live', 'paused', 'reconnecting'].includes(state);
    const busy = running || state === 'connecting';

    mark(this.#stack, 'lang', language);
    sayPhrases(this.#title, t('tagline'));
    say(this.#intro, t('intro'));
    this.#title.classList.toggle('unseen', state !== 'idle');
    hide(this.#intro, state !== 'idle' || model.resumable || model.spent);
    hide(this.#meter, !busy);
    hide(this.#level, !busy);
    this.#drawMeter(model, t);
    this.#drawLevel(level, t);
    this.#drawSpeech(model, t);
    this.#drawSummary(model);
    say(this.#start, t(model.resumable ? 'goOn' : state === 'ended' ? 'again' : 'start'));
    hide(this.#start, busy || model.spent);
    say(this.#pause, t(state === 'paused' ? 'goOn' : 'pause'));
    say(this.#finish, t('finish'));
    hide(this.#actions, !running || model.ending);
    this.#truth.show(model.sending, t);
    this.#drawDoctor(model, running, t);
    this.#upload.render(language, t, !busy && !model.guest);
    sayPhrases(this.#footer, t('noDiagnosis'));
  }

  /** @param {number} level 0..1 @param {Translate} t */
  #drawLevel(level, t) {
    const now = performance.now();
    if (now - this.#toldAt < LEVEL_TOLD_EVERY_MS) return;
    this.#toldAt = now;
    mark(this.#level, 'aria-label', t('level'));
    mark(this.#level, 'aria-valuetext', t(level > 0.15 ? 'levelSome' : 'levelNone'));
    mark(this.#level, 'aria-valuenow', level.toFixed(1));
  }

  /** @param {PatientModel} model @param {Translate} t */
  #drawSpeech(model, t) {
    const { state, prompt, silent } = model;
    sayPhrases(this.#sentence, sentenceOf(model, t));
    say(this.#notNow, t('notNow'));
    const asking = prompt !== null && state === 'live' && !silent;
    hide(this.#notNow, !asking);
    this.#speech.classList.toggle('asking', asking);
    hide(this.#speech, (state === 'idle' && !model.resumable && !model.spent) || state === 'ended');
    hide(this.#mistaken, model.failure !== FailureCode.INVALID_LABELS || model.notices.length === 0);
    say(this.#mistaken, model.notices.map((notice) => notice[model.language]).join(' '));
  }

  /** @param {PatientModel} model @param {Translate} t */
  #drawMeter({ state, reading }, t) {
    const drawn = `${reading.grade}`;
    if (this.#shape.dataset.drawn !== drawn) {
      this.#shape.dataset.drawn = drawn;
      this.#shape.replaceChildren(waveShape(reading.grade));
    }
    say(this.#word, t(state === 'connecting' ? 'patient.connecting' : wordOf(reading)));
  }

  /** @param {PatientModel} model */
  #drawSummary({ state, result, language, spent }) {
    const drawn = state === 'ended' ? `${result?.id} ${language} ${spent}` : '';
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    hide(this.#summary, !drawn);
    this.#summary.replaceChildren(...(drawn ? [verdictBlock(result, this.#t)] : []));
    if (!drawn || !spent) return;
    // No button would lead anywhere: what there is left to do is said.
    const next = result?.overall.verdict === 'accept' ? 'link.done' : 'link.again';
    this.#summary.append(h('p', { class: 'next', part: 'next' }, this.#t(next)));
  }

  /** @param {PatientModel} model @param {boolean} running @param {Translate} t */
  #drawDoctor({ code, doctorUrl, guest, notices, language }, running, t) {
    hide(this.#doctor, !running || !code);
    say(this.#doctorTitle, `${t('forDoctor')} · ${t('session')}\u00a0 `);
    say(this.#code, code);
    say(this.#link, t('openLink'));
    mark(this.#link, 'href', doctorUrl);
    // A guest's session was begun by a backend, which has the doctor's link; this one would not open.
    hide(this.#link, guest);
    hide(this.#copy, guest);
    say(this.#copy, t(this.#copied ? 'copied' : 'copyLink'));
    hide(this.#notices, notices.length === 0);
    say(this.#notices, notices.map((notice) => notice[language]).join(' '));
  }

  async #copyLink() {
    // An insecure page has no clipboard. The link beside the button can still be copied by hand.
    if (!navigator.clipboard) return;
    await navigator.clipboard.writeText(this.#link.getAttribute('href') ?? '');
    this.#copied = true;
    say(this.#copy, this.#t('copied'));
    setTimeout(() => (this.#copied = false), 3000);
  }
}
