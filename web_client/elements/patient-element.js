/** `<tingqing-patient>`: joins the microphone, the connection and the patient's screen. */

import { Connection, socketUrl } from '../transport/connection.js';
import { mark } from '../drawing/dom.js';
import { LiveMicrophone } from '../audio/live-microphone.js';
import { Meter } from '../meter/meter.js';
import { shortCode } from '../meter/short-code.js';
import { MicrophoneError } from '../audio/microphone.js';
import { failureOf, hostStateOf, isEnding } from './patient-phase.js';
import { PatientView } from './patient-view.js';
import { patientSheet } from './patient-styles.js';
import { SessionProtocol } from '../protocol/session.js';
import { languageOf } from '../language/dictionary.js';
import { FailureCode } from '../protocol/failures.js';
import { base } from '../drawing/styles.js';

/**
 * @import { Reading } from '../meter/meter.js'
 * @import { ClientMessage, Effect } from '../protocol/effects.js'
 * @import { Capture } from '../protocol/types.js'
 * @import { Phase } from './patient-phase.js'
 * @import { HostState, PatientModel } from './patient-words.js'
 */

const BEAT_MS = 250;
/** How long "All right" or "That is better" stays. */
const AFTERWARDS_MS = 8000;

/**
 * Attributes: `lang`, `labels`, `mode`, `reference`, `server`, `token`; all are optional (docs/web-client.md).
 * The element sets `data-state`, `data-prompt` and `data-grade` on itself. Each message from the server is dispatched
 * as a `tingqing-message` event with the message as its `detail`.
 */
export class TingqingPatient extends HTMLElement {
  static observedAttributes = ['lang'];

  #view = /** @type {PatientView | null} */ (null);
  #meter = new Meter();
  #phase = /** @type {Phase} */ ({ kind: 'idle' });
  #microphone = new LiveMicrophone(
    (pcm) => this.#hear(pcm),
    () => this.#render(),
  );
  #afterwards = /** @type {{what: 'allRight' | 'better', at: number} | null} */ (null);
  #timer = /** @type {ReturnType<typeof setInterval> | undefined} */ (undefined);

  connectedCallback() {
    this.#view ??= this.#build();
    this.#timer = setInterval(() => {
      this.#microphone.tick(performance.now());
      this.#render();
    }, BEAT_MS);
    this.#render();
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
    this.#microphone.close();
    if (this.#phase.kind !== 'session') return;
    this.#phase.connection.stop();
    this.#phase = { kind: 'idle' };
  }

  attributeChangedCallback() {
    this.#render();
  }

  /** Asks for the microphone and begins. Call it from a user gesture. */
  async start() {
    if (this.#isRunning) return;
    this.#phase = { kind: 'asking' };
    this.#meter = new Meter();
    this.#afterwards = null;
    this.#render();
    try {
      const granted = await this.#microphone.open();
      if (this.isConnected) {
        this.#begin(granted);
      } else {
        // Removed from the page while the browser was asking.
        this.#microphone.close();
        this.#phase = { kind: 'idle' };
      }
    } catch (error) {
      const code = error instanceof MicrophoneError ? error.code : FailureCode.UNEXPECTED;
      this.#phase = { kind: 'refused', code };
    }
    this.#render();
  }

  /** Until `resume`, no sound is recorded, kept or sent. */
  pause() {
    this.#microphone.mute(true);
    this.#do((protocol) => protocol.handlePause());
  }

  resume() {
    this.#microphone.mute(false);
    this.#do((protocol) => protocol.handleResume());
  }

  /** The doctor, heard from this page's call, starts or stops speaking. @param {boolean} speaking */
  farEnd(speaking) {
    this.#act((protocol) => protocol.handleFarEnd(speaking));
  }

  /** The patient has finished. What was said so far is still sent and judged. */
  finish() {
    this.#microphone.close();
    this.#do((protocol) => protocol.handleEnd(performance.now()));
  }

  /** Dismisses the current prompt for this visit. */
  notNow() {
    const prompt = this.#prompt;
    if (!prompt) return;
    this.#meter.prompts.delete(prompt.id);
    this.#afterwards = { what: 'allRight', at: performance.now() };
    this.#do((protocol) => protocol.handleSnooze(prompt.id));
  }

  /** Assesses a recording, as if the patient had chosen it. @param {File} file */
  assess(file) {
    if (!this.#isRunning) void this.#view?.assess(file);
  }

  /** @param {boolean} over a file is being dragged over the page */
  dragging(over) {
    this.#view?.dragging(over);
  }

  /** @returns {HostState} */
  get state() {
    return hostStateOf(this.#phase);
  }

  get #isRunning() {
    return ['connecting', 'live', 'paused', 'reconnecting'].includes(this.state);
  }

  get #language() {
    return languageOf(this.getAttribute('lang') || navigator.language);
  }

  get #prompt() {
    const shown = [...this.#meter.prompts.values()].filter(({ audience }) => audience === 'patient');
    return shown.at(-1) ?? null;
  }

  #build() {
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [base, patientSheet];
    const actions = {
      start: () => void this.start(),
      pause: () => (this.state === 'paused' ? this.resume() : this.pause()),
      finish: () => this.finish(),
      notNow: () => this.notNow(),
      labels: () => this.getAttribute('labels'),
    };
    return new PatientView(root, actions, this.getAttribute('server'));
  }

  /** @param {{sampleRate: number, capture: Capture}} granted */
  #begin({ sampleRate, capture }) {
    const [labels, reference] = [this.getAttribute('labels'), this.getAttribute('reference')];
    const mode = this.getAttribute('mode') === 'visit' && { mode: 'visit' };
    const optional = { ...(labels && { labels }), ...(reference && { reference }), ...mode };
    const language = this.#language === 'zh' ? 'zh-CN' : 'en';
    const url = socketUrl('v1/stream', this.getAttribute('server'));
    const protocol = new SessionProtocol({ sampleRate, capture, language, ...optional });
    const connection = new Connection(protocol, url, this.getAttribute('token'), (message) => this.#receive(message));
    this.#phase = { kind: 'session', protocol, connection };
    connection.start();
  }

  /** @param {Int16Array} pcm */
  #hear(pcm) {
    this.#view?.showLevel(this.#microphone.level);
    this.#act((protocol) => protocol.handleAudio(pcm));
  }

  /** @param {ClientMessage} message */
  #receive(message) {
    const now = performance.now();
    if (message.type === 'state') {
      if (message.state.kind === 'ended' || message.state.kind === 'failed') {
        this.#microphone.close();
        this.#meter.prompts.clear();
      }
    } else {
      if (message.type === 'prompt.raised') this.#afterwards = null;
      if (message.type === 'prompt.cleared' && this.#prompt?.id === message.id) {
        this.#afterwards = { what: 'better', at: now };
      }
      this.#meter.receive(message, now);
      this.dispatchEvent(new CustomEvent('tingqing-message', { detail: message, bubbles: true, composed: true }));
    }
    if (message.type !== 'level' && message.type !== 'audio.ack') this.#render();
  }

  /** @param {(protocol: SessionProtocol) => Effect[]} act */
  #do(act) {
    this.#act(act);
    this.#render();
  }

  /** @param {(protocol: SessionProtocol) => Effect[]} act nothing where no session has begun */
  #act(act) {
    if (this.#phase.kind === 'session') this.#phase.connection.run(act(this.#phase.protocol));
  }

  #render() {
    if (!this.#view || !this.isConnected) return;
    const now = performance.now();
    if (this.#afterwards && now - this.#afterwards.at > AFTERWARDS_MS) this.#afterwards = null;
    const model = this.#model(now);
    mark(this, 'data-state', model.state);
    mark(this, 'data-grade', model.reading.grade);
    mark(this, 'data-prompt', model.prompt?.id);
    mark(this, 'data-session', this.#meter.sessionId);
    this.#view.render(model, this.#microphone.level);
  }

  /** @param {number} now @returns {PatientModel} */
  #model(now) {
    const { state } = this;
    const { sessionId, result, basicMode, notices } = this.#meter;
    const { silent, isOpen } = this.#microphone;
    const page = new URL('doctor', new URL(this.getAttribute('server') ?? '.', document.baseURI));
    page.searchParams.set('session', sessionId);
    return {
      state,
      language: this.#language,
      asking: this.#phase.kind === 'asking',
      ending: isEnding(this.#phase),
      silent,
      sending: state === 'live' && isOpen && !silent,
      reading: this.#reading(now, state),
      prompt: this.#prompt,
      afterwards: this.#afterwards?.what ?? null,
      failure: failureOf(this.#phase),
      result,
      basicMode,
      code: shortCode(sessionId),
      doctorUrl: page.href,
      guest: this.hasAttribute('token'),
      notices,
    };
  }

  /** @param {number} now @param {HostState} state @returns {Reading} */
  #reading(now, state) {
    if (state === 'paused') return { grade: 'nodata', cause: 'paused' };
    if (state === 'live' && this.#microphone.silent) return { grade: 'nodata', cause: 'silent' };
    return this.#meter.reading(now, state === 'live');
  }
}
