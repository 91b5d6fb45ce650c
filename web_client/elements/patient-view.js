/** The patient's element on the screen: built once, then brought up to date. */

import { h, mark, say, sayPhrases, svg } from '../drawing/dom.js';
import { UploadCard, verdictBlock } from './upload.js';
import { waveShape } from '../drawing/shapes.js';
import { dictionary, faultSentence } from '../language/strings.js';

const text = dictionary();

/**
 * @typedef {'idle' | 'connecting' | 'live' | 'paused' | 'reconnecting' | 'ended' | 'error'} HostState
 * @typedef {{state: HostState, language: import('../protocol/types.js').Language, asking: boolean, ending: boolean,
 *   silent: boolean, sending: boolean, reading: import('../meter/meter.js').Reading,
 *   prompt: import('../protocol/types.js').PromptMessage | null, afterwards: 'allRight' | 'better' | null, fault: string | null,
 *   result: import('../protocol/types.js').Result | null, basicMode: boolean, code: string, doctorUrl: string,
 *   notices: import('../protocol/types.js').Text[]}} PatientModel `notices`: what the server made of labels of one's own
 * @typedef {{start: () => void, pause: () => void, finish: () => void, notNow: () => void,
 *   labels: () => string | null}} PatientActions
 */

const ICONS = {
  sending: 'M2 8h2.5M7 4v8M10.5 2v12M14 6v4',
  off: 'M2 8h12',
  lock: 'M4 7.5h8V14H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5',
};

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
    this.#level = h('div', { class: 'level', role: 'meter', 'aria-valuemin': '0', 'aria-valuemax': '1' }, h('i'));
    this.#meter = h('div', { class: 'meter' }, this.#shape, this.#word);
    this.#speech = h('div', { class: 'speech' }, this.#sentence, this.#notNow);
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
      h('div', { class: 'truth' }, this.#sending, this.#stored, this.#basic),
      this.#doctor,
      this.#upload.element,
      this.#footer,
    );
    root.append(this.#stack);
  }

  #stack = h('div', { class: 'stack' });
  #title = h('h1');
  #intro = h('p', { class: 'intro' });
  #shape = h('div');
  #word = h('p', { class: 'word', part: 'word' });
  #sentence = h('p', { class: 'sentence', part: 'prompt', role: 'status', 'aria-live': 'polite' });
  #summary = h('div', { hidden: true });
  #sending = h('span', { part: 'sending' });
  #stored = h('span', { part: 'stored' });
  #basic = h('span', { part: 'basic-mode' });
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
  #copied = false;
  #language = /** @type {import('../protocol/types.js').Language} */ ('en');

  /** A recording was dropped somewhere on the page. @param {File} file */
  assess(file) {
    return this.#upload.assess(file);
  }

  /** @param {boolean} over a file is being dragged over the page */
  dragging(over) {
    this.#upload.element.classList.toggle('over', over);
  }

  /** The microphone's level, 0..1. @param {number} level */
  showLevel(level) {
    /** @type {HTMLElement} */ (this.#level.firstElementChild).style.transform = `scaleX(${level.toFixed(3)})`;
  }

  /** @param {PatientModel} model @param {number} level 0..1 */
  render(model, level) {
    const { state, language } = model;
    this.#language = language;
    const t = (/** @type {string} */ key) => text(key, language);
    const running = ['live', 'paused', 'reconnecting'].includes(state);
    const over = state === 'ended' || state === 'error';

    mark(this.#stack, 'lang', language);
    say(this.#title, t('tagline'));
    say(this.#intro, t('intro'));
    this.#title.hidden = this.#intro.hidden = state !== 'idle';
    this.#meter.hidden = this.#level.hidden = !(running || state === 'connecting');
    this.#drawMeter(model, t);
    mark(this.#level, 'aria-label', t('level'));
    mark(this.#level, 'aria-valuetext', t(level > 0.15 ? 'levelSome' : 'levelNone'));
    mark(this.#level, 'aria-valuenow', level.toFixed(1));

    sayPhrases(this.#sentence, sentenceOf(model, t));
    say(this.#notNow, t('notNow'));
    const asking = model.prompt !== null && state === 'live' && !model.silent;
    this.#notNow.hidden = !asking;
    this.#speech.classList.toggle('asking', asking);
    this.#speech.hidden = state === 'idle' || state === 'ended';

    this.#drawSummary(model);
    say(this.#start, t(state === 'ended' ? 'again' : 'start'));
    this.#start.hidden = !(over || state === 'idle');
    say(this.#pause, t(state === 'paused' ? 'goOn' : 'pause'));
    say(this.#finish, t('finish'));
    this.#actions.hidden = !running || model.ending;

    this.#drawTruth(model.sending, t);
    this.#basic.hidden = !model.basicMode;
    say(this.#basic, t('basicMode'));
    this.#drawDoctor(model, running, t);
    this.#upload.render(language, !(running || state === 'connecting'));
    say(this.#footer, t('noDiagnosis'));
  }

  /** @param {PatientModel} model @param {(key: string) => string} t */
  #drawMeter({ state, reading }, t) {
    const drawn = `${reading.grade}`;
    if (this.#shape.dataset.drawn !== drawn) {
      this.#shape.dataset.drawn = drawn;
      this.#shape.replaceChildren(waveShape(reading.grade));
    }
    const cause = { network: 'network', paused: 'paused', silent: 'silent' }[String(reading.cause)];
    say(this.#word, t(state === 'connecting' ? 'patient.connecting' : `patient.${cause ?? reading.grade}`));
  }

  /** @param {PatientModel} model */
  #drawSummary({ state, result, language }) {
    const drawn = state === 'ended' ? `${result?.id} ${language}` : '';
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#summary.hidden = !drawn;
    this.#summary.replaceChildren(...(drawn ? [verdictBlock(result, language)] : []));
  }

  /** @param {boolean} sending @param {(key: string) => string} t */
  #drawTruth(sending, t) {
    const drawn = t(sending ? 'sending' : 'notSending');
    if (this.#sending.textContent === drawn) return;
    this.#sending.replaceChildren(icon(sending ? ICONS.sending : ICONS.off), drawn);
    this.#sending.classList.toggle('on', sending);
    this.#stored.replaceChildren(icon(ICONS.lock), t('notStored'));
  }

  /** @param {PatientModel} model @param {boolean} running @param {(key: string) => string} t */
  #drawDoctor({ code, doctorUrl, notices, language }, running, t) {
    this.#doctor.hidden = !running || !code;
    say(this.#doctorTitle, `${t('forDoctor')} · ${t('session')}\u00a0 `);
    say(this.#code, code);
    say(this.#link, t('openLink'));
    mark(this.#link, 'href', doctorUrl);
    say(this.#copy, t(this.#copied ? 'copied' : 'copyLink'));
    this.#notices.hidden = notices.length === 0;
    say(this.#notices, notices.map((notice) => notice[language]).join(' '));
  }

  async #copyLink() {
    // An insecure page has no clipboard; the link beside the button can still be copied by hand.
    if (!navigator.clipboard) return;
    await navigator.clipboard.writeText(this.#link.getAttribute('href') ?? '');
    this.#copied = true;
    say(this.#copy, text('copied', this.#language));
    setTimeout(() => (this.#copied = false), 3000);
  }
}

/** The one sentence of now, the most pressing first. @param {PatientModel} model @param {(key: string) => string} t */
function sentenceOf({ state, language, asking, ending, silent, prompt, afterwards, fault, reading }, t) {
  if (state === 'error') return faultSentence(fault ?? 'other', language);
  if (state === 'connecting') return asking ? t('allowMicrophone') : '';
  if (state === 'reconnecting') return t('lineLost');
  if (state === 'paused') return t('pausedNow');
  if (state !== 'live') return '';
  if (ending) return t('finishing');
  if (silent) return t('microphoneSilent');
  if (prompt) return prompt.text[language];
  if (reading.grade === 'clear') return t('youSoundClear');
  if (afterwards) return t(afterwards);
  return reading.cause === 'waiting' ? t('speakNow') : '';
}

/** @param {string} d */
function icon(d) {
  return svg('svg', { viewBox: '0 0 16 16', 'aria-hidden': 'true' }, svg('path', { d }));
}
