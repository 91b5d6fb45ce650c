/** `<tingqing-check>`: before a visit, alone: read a sentence, get one verdict, hear oneself, choose the microphone. */

import { oneThatHears } from '../audio/listening-around.js';
import { Playback } from '../audio/playback.js';
import { TingqingClient } from '../client/client.js';
import { onBeat } from '../clock/beat.js';
import { mark, takeEarly } from '../drawing/dom.js';
import { placeHeadings } from '../drawing/headings.js';
import { base } from '../drawing/styles.js';
import { checkText } from '../language/check-strings.js';
import { patientText } from '../language/patient-strings.js';
import { inWordsOf, languageOf, textsOf } from '../language/dictionary.js';
import { CheckView } from './check-view.js';
import { patientSheet } from './patient-styles.js';
import { Link } from './link.js';
import { lineOf } from './patient-options.js';
import { Opening } from './opening.js';
import { hostStateOf } from './patient-state.js';
import { linkSentence } from './patient-words.js';
import { adviceFor } from './upload.js';

/**
 * @import { ToldFailure } from '../client/client-state.js'
 * @import { InputDevice } from '../client/devices.js'
 * @import { Result, ServerMessage, VoiceOf } from '../protocol/types.js'
 * @import { Texts } from '../language/dictionary.js'
 * @import { CheckModel } from './check-view.js'
 */

/** A sentence is read in less. With a full window of 10 s the verdict is that of a visit. */
const ENOUGH_S = 10;
/** Who has read nothing by then gets the verdict on that: a forgotten page does not go on listening. */
const AT_MOST_MS = 60_000;

/**
 * Attributes: `lang`, `labels`, `server`, `texts`, `token` (of a session of its own, which it uses up), `keep-voice`.
 * It sets `data-state` and, at the end, `data-verdict` on itself, and dispatches `tingqing-checked` with the result as
 * its `detail`. With `keep-voice`, `voice` then tells a visit, within half an hour, whose voice is the patient's.
 */
export class TingqingCheck extends HTMLElement {
  static observedAttributes = ['lang', 'texts'];

  /** Asked for the token of each try, instead of `token`. @type {(() => Promise<string>) | undefined} */
  tokenProvider = takeEarly(this, 'tokenProvider');

  #client = new TingqingClient();
  #playback = new Playback();
  #view = /** @type {CheckView | null} */ (null);
  #rest = () => {};
  #devices = /** @type {InputDevice[]} */ ([]);
  #better = /** @type {InputDevice | null} */ (null);
  #looking = false;
  #voice = /** @type {VoiceOf | null} */ (null);
  #texts = /** @type {Texts | undefined} */ (takeEarly(this, 'texts'));
  #over = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  #link = new Link();
  #opening = new Opening(this);

  constructor() {
    super();
    this.#client.on('state', () => this.#moved());
    this.#client.on('message', (message) => this.#receive(message));
    this.#client.on('sound', (pcm) => this.#playback.hear(pcm));
  }

  connectedCallback() {
    if (!this.#view) {
      const root = this.attachShadow({ mode: 'open' });
      root.adoptedStyleSheets = [base, patientSheet];
      this.#view = new CheckView(root, {
        start: () => void this.start(),
        stop: () => this.stop(),
        play: () => this.#playback.play(),
        choose: (id) => void this.#choose(id),
      });
      placeHeadings(this, root);
    }
    this.#rest = onBeat(() => this.#render());
    this.#render();
    if (!this.tokenProvider) void this.#opening.ask(this.getAttribute('token'), () => this.#render());
  }

  disconnectedCallback() {
    this.#rest();
    clearTimeout(this.#over);
    this.#playback.stop();
    this.#client.stop();
  }

  attributeChangedCallback() {
    this.#render();
  }

  get client() {
    return this.#client;
  }

  /** For `voiceOf` of the patient's element or client. Null before the check has ended, and without `keep-voice`. */
  get voice() {
    return this.#client.state.kind === 'ended' && this.hasAttribute('keep-voice') ? this.#voice : null;
  }

  /** Call it from a user gesture. */
  async start() {
    this.#better = null;
    this.#client.options = {
      server: this.getAttribute('server'),
      token: this.getAttribute('token'),
      labels: this.getAttribute('labels'),
      language: this.#language === 'zh' ? 'zh-CN' : 'en',
      keepVoice: this.hasAttribute('keep-voice'),
      line: lineOf(this),
      ...(this.tokenProvider && { tokenProvider: this.tokenProvider }),
    };
    this.#link.used(this.getAttribute('token'));
    await this.#client.start();
    this.#devices = await this.#client.devices();
    this.#render();
  }

  /** Judges what was read so far. It also stops by itself, once a sentence was read and after a minute. */
  stop() {
    this.#client.finish();
  }

  /** The page's own words: JSON in the attribute, or this property. @returns {Texts} */
  get texts() {
    return this.#texts ?? textsOf(this.getAttribute('texts'));
  }

  set texts(texts) {
    this.#texts = texts;
    this.#render();
  }

  get #language() {
    return languageOf(this.getAttribute('lang') || navigator.language);
  }

  /** @param {ServerMessage} message */
  #receive(message) {
    if (message.type === 'session.started') {
      this.#link.begun();
      this.#voice = { session_id: message.session_id, resume_token: message.resume_token };
      this.#playback.begin(this.#client.sampleRate);
      clearTimeout(this.#over);
      this.#over = setTimeout(() => this.stop(), AT_MOST_MS);
    }
    // Somebody who has not begun to read yet is waited for.
    const heard = message.type === 'quality.update' && message.window.end_s >= ENOUGH_S;
    if (heard && message.window.speech_ratio > 0) this.#client.finish();
  }

  #moved() {
    const { state } = this.#client;
    if (['idle', 'ending', 'ended', 'failed'].includes(state.kind)) clearTimeout(this.#over);
    if (state.kind === 'ended') {
      this.dispatchEvent(new CustomEvent('tingqing-checked', { detail: state.result, bubbles: true, composed: true }));
    }
    if (state.kind === 'live' && state.silent) void this.#lookAround();
    if (state.kind === 'live' && !state.silent) this.#better = null;
    this.#render();
  }

  /** The microphone in use is silent: perhaps another one is not. */
  async #lookAround() {
    if (this.#looking) return;
    this.#looking = true;
    this.#better = await oneThatHears(await this.#client.devices());
    this.#looking = false;
    this.#render();
  }

  /** @param {string} id */
  async #choose(id) {
    await this.#client.setDevice(id);
    this.#better = null;
    this.#devices = await this.#client.devices();
    this.#render();
  }

  #render() {
    if (!this.#view || !this.isConnected) return;
    const { state } = this.#client;
    mark(this, 'data-state', hostStateOf(state));
    mark(this, 'data-verdict', state.kind === 'ended' ? (state.result?.overall.verdict ?? 'null') : null);
    this.#view.render(this.#model(), this.#client.level);
  }

  /** @returns {CheckModel} */
  #model() {
    const { state } = this.#client;
    const language = this.#language;
    const result = state.kind === 'ended' ? state.result : null;
    return {
      language,
      texts: this.texts,
      sentence: this.#sentence(),
      advice: this.#advice(result),
      grade: result?.overall.grade ?? 'nodata',
      busy: !['idle', 'ended', 'failed'].includes(state.kind),
      sending: state.kind === 'live' && !state.silent,
      stoppable: ['connecting', 'live', 'paused', 'reconnecting'].includes(state.kind),
      done: state.kind === 'ended',
      spent: this.#isSpent,
      playable: state.kind === 'ended' && !this.#playback.isEmpty,
      devices: this.#devices,
      better: this.#better,
    };
  }

  /** What the server said of the link when the page was opened. */
  get #refusal() {
    return this.#client.state.kind === 'idle' ? this.#opening.refusal(this.getAttribute('token')) : null;
  }

  get #isSpent() {
    if (this.#refusal) return true;
    return !this.tokenProvider && this.#link.isSpent(this.#client.state, this.getAttribute('token'));
  }

  /** The one thing to read now. @returns {string} */
  #sentence() {
    const { state } = this.#client;
    const t = inWordsOf(checkText, this.#language, this.texts);
    switch (state.kind) {
      case 'idle':
        return this.#refusal ? this.#failed(this.#refusal) : '';
      case 'asking':
        return t('allow');
      case 'live':
        return t(state.silent ? 'microphoneSilent' : 'read');
      case 'connecting':
      case 'paused':
        return t('read');
      case 'reconnecting':
        return t('lineLost');
      case 'ending':
        return t('judging');
      case 'ended':
        return t(`${this.#isSpent ? 'once' : 'verdict'}.${state.result?.overall.verdict ?? null}`);
      case 'failed':
        return this.#failed(state.failure);
    }
  }

  /** @param {ToldFailure} failure @returns {string} */
  #failed({ code, remedy }) {
    const t = inWordsOf(patientText, this.#language, this.texts);
    return (this.#isSpent && linkSentence(code, t)) || remedy[this.#language];
  }

  /** What to do better; and, where no button leads to another try, what does. @param {Result | null} result */
  #advice(result) {
    const better = result ? adviceFor(result, inWordsOf(patientText, this.#language, this.texts)) : '';
    const once = this.#client.state.kind === 'ended' && this.#isSpent && result?.overall.verdict !== 'accept';
    return once ? `${better} ${inWordsOf(checkText, this.#language, this.texts)('once.more')}`.trim() : better;
  }
}
