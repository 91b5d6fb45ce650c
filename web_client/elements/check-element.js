/** `<tingqing-check>`: before a visit, alone: read a sentence, get one verdict, hear oneself, choose the microphone. */

import { oneThatHears } from '../audio/listening-around.js';
import { Playback } from '../audio/playback.js';
import { TingqingClient } from '../client/client.js';
import { mark } from '../drawing/dom.js';
import { base } from '../drawing/styles.js';
import { checkText } from '../language/check-strings.js';
import { languageOf } from '../language/dictionary.js';
import { CheckView } from './check-view.js';
import { patientSheet } from './patient-styles.js';
import { hostStateOf } from './patient-state.js';
import { adviceFor } from './upload.js';

/**
 * @import { InputDevice } from '../client/devices.js'
 * @import { ServerMessage, VoiceOf } from '../protocol/types.js'
 * @import { CheckModel } from './check-view.js'
 */

const BEAT_MS = 250;
/** A sentence is read in less. With a full window of 10 s the verdict is that of a visit. */
const ENOUGH_S = 10;

/**
 * Attributes: `lang`, `labels`, `server`, `token` (of a session of its own, which it uses up), `keep-voice`. It
 * sets `data-state` and, at the end, `data-verdict` on itself, and dispatches `tingqing-checked` with the result as
 * its `detail`. With `keep-voice`, `voice` then tells a visit, within half an hour, whose voice is the patient's.
 */
export class TingqingCheck extends HTMLElement {
  static observedAttributes = ['lang'];

  #client = new TingqingClient();
  #playback = new Playback();
  #view = /** @type {CheckView | null} */ (null);
  #timer = /** @type {ReturnType<typeof setInterval> | undefined} */ (undefined);
  #devices = /** @type {InputDevice[]} */ ([]);
  #better = /** @type {InputDevice | null} */ (null);
  #looking = false;
  #voice = /** @type {VoiceOf | null} */ (null);

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
        play: () => this.#playback.play(),
        choose: (id) => void this.#choose(id),
      });
    }
    this.#timer = setInterval(() => this.#render(), BEAT_MS);
    this.#render();
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
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
    };
    await this.#client.start();
    this.#devices = await this.#client.devices();
    this.#render();
  }

  get #language() {
    return languageOf(this.getAttribute('lang') || navigator.language);
  }

  /** @param {ServerMessage} message */
  #receive(message) {
    if (message.type === 'session.started') {
      this.#voice = { session_id: message.session_id, resume_token: message.resume_token };
      this.#playback.begin(this.#client.sampleRate);
    }
    // Somebody who has not begun to read yet is waited for.
    const heard = message.type === 'quality.update' && message.window.end_s >= ENOUGH_S;
    if (heard && message.window.speech_ratio > 0) this.#client.finish();
  }

  #moved() {
    const { state } = this.#client;
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
      sentence: this.#sentence(),
      advice: result ? adviceFor(result, language) : '',
      grade: result?.overall.grade ?? 'nodata',
      busy: !['idle', 'ended', 'failed'].includes(state.kind),
      done: state.kind === 'ended',
      playable: state.kind === 'ended' && !this.#playback.isEmpty,
      devices: this.#devices,
      better: this.#better,
    };
  }

  /** The one thing to read now. @returns {string} */
  #sentence() {
    const { state } = this.#client;
    const language = this.#language;
    switch (state.kind) {
      case 'idle':
        return '';
      case 'asking':
        return checkText('allow', language);
      case 'live':
        return checkText(state.silent ? 'microphoneSilent' : 'read', language);
      case 'connecting':
      case 'paused':
        return checkText('read', language);
      case 'reconnecting':
        return checkText('lineLost', language);
      case 'ending':
        return checkText('judging', language);
      case 'ended':
        return checkText(`verdict.${state.result?.overall.verdict ?? null}`, language);
      case 'failed':
        return state.failure.remedy[language];
    }
  }
}
