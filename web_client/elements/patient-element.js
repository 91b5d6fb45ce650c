/** `<tingqing-patient>`: microphone, connection and the patient's screen, joined. */

import { Connection, socketUrl } from '../transport/connection.js';
import { mark } from '../drawing/dom.js';
import { LiveMicrophone } from '../audio/live-microphone.js';
import { Meter, shortCode } from '../meter/meter.js';
import { MicrophoneError } from '../audio/microphone.js';
import { PatientView } from './patient-view.js';
import { patientSheet } from './patient-styles.js';
import { SessionProtocol } from '../protocol/session.js';
import { languageOf } from '../language/strings.js';
import { base } from '../drawing/styles.js';

const BEAT_MS = 250;
/** How long "all right" or "better" stays. */
const AFTERWARDS_MS = 8000;

/** @typedef {import('./patient-view.js').HostState} HostState */

/** What the host shows where the protocol's own word differs. @type {Record<string, HostState>} */
const HOST_STATE = { ending: 'live', failed: 'error' };

/** A resume that found no session any more: to the patient, the line was down too long. */
const GONE = new Set(['unknown_session', 'session_expired']);

/**
 * Attributes: `lang` (zh or en; else the browser's), `labels`, `reference`, `server` (base URL; else the page's own).
 * The host carries `data-state`, `data-prompt`, `data-grade`; every message of the server is dispatched as the event
 * `tingqing-message`, its `detail` the message.
 */
export class TingqingPatient extends HTMLElement {
  static observedAttributes = ['lang'];

  #view = /** @type {PatientView | null} */ (null);
  #meter = new Meter();
  #protocol = /** @type {SessionProtocol | null} */ (null);
  #connection = /** @type {Connection | null} */ (null);
  #microphone = new LiveMicrophone(
    (pcm) => this.#hear(pcm),
    () => this.#render(),
  );
  #asking = false;
  #fault = /** @type {string | null} */ (null);
  #afterwards = /** @type {{what: 'allRight' | 'better', at: number} | null} */ (null);
  #timer = 0;

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
    this.#connection?.stop();
    this.#protocol = null;
  }

  attributeChangedCallback() {
    this.#render();
  }

  /** Asks for the microphone and begins. Call from a user's gesture. */
  async start() {
    if (this.#asking || this.#isRunning) return;
    this.#asking = true;
    this.#meter = new Meter();
    this.#protocol = this.#afterwards = this.#fault = null;
    this.#render();
    try {
      const granted = await this.#microphone.open();
      // Taken off the page while the browser was asking.
      if (this.isConnected) this.#begin(granted);
      else this.#microphone.close();
    } catch (error) {
      this.#fault = error instanceof MicrophoneError ? error.reason : 'other';
    }
    this.#asking = false;
    this.#render();
  }

  /** No sound is heard, kept or sent until `resume`. */
  pause() {
    this.#microphone.mute(true);
    this.#do((protocol) => protocol.handlePause());
  }

  resume() {
    this.#microphone.mute(false);
    this.#do((protocol) => protocol.handleResume());
  }

  /** The patient has finished; what was said is still sent and judged. */
  finish() {
    this.#microphone.close();
    this.#do((protocol) => protocol.handleEnd(performance.now()));
  }

  /** Puts off the prompt that is up, for this visit. */
  notNow() {
    const prompt = this.#prompt;
    if (!prompt) return;
    this.#meter.prompts.delete(prompt.id);
    this.#afterwards = { what: 'allRight', at: performance.now() };
    this.#do((protocol) => protocol.handleSnooze(prompt.id));
  }

  /** Assesses a recording, as if it had been chosen. @param {File} file */
  assess(file) {
    if (!this.#isRunning) void this.#view?.assess(file);
  }

  /** @param {boolean} over a file is being dragged over the page */
  dragging(over) {
    this.#view?.dragging(over);
  }

  /** @returns {HostState} */
  get state() {
    if (this.#asking) return 'connecting';
    if (this.#fault !== null) return 'error';
    const kind = this.#protocol?.state.kind ?? 'idle';
    return HOST_STATE[kind] ?? /** @type {HostState} */ (kind);
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

  /** @param {{sampleRate: number, capture: import('../protocol/types.js').Capture}} granted */
  #begin({ sampleRate, capture }) {
    const [labels, reference] = [this.getAttribute('labels'), this.getAttribute('reference')];
    const optional = { ...(labels && { labels }), ...(reference && { reference }) };
    const language = this.#language === 'zh' ? 'zh-CN' : 'en';
    const url = socketUrl('v1/stream', this.getAttribute('server'));
    this.#protocol = new SessionProtocol({ sampleRate, capture, language, ...optional });
    this.#connection = new Connection(this.#protocol, url, (message) => this.#receive(message));
    this.#connection.start();
  }

  /** @param {Int16Array} pcm */
  #hear(pcm) {
    this.#view?.showLevel(this.#microphone.level);
    if (this.#protocol) this.#connection?.run(this.#protocol.handleAudio(pcm));
  }

  /** @param {import('../protocol/types.js').ServerMessage} message */
  #receive(message) {
    const now = performance.now();
    if (message.type === 'state') this.#follow(message.state);
    else {
      if (message.type === 'prompt.raised') this.#afterwards = null;
      if (message.type === 'prompt.cleared' && this.#prompt?.id === message.id) {
        this.#afterwards = { what: 'better', at: now };
      }
      this.#meter.receive(message, now);
      this.dispatchEvent(new CustomEvent('tingqing-message', { detail: message, bubbles: true, composed: true }));
    }
    if (message.type !== 'level' && message.type !== 'audio.ack') this.#render();
  }

  /** @param {import('../protocol/session.js').SessionState} state */
  #follow(state) {
    if (state.kind === 'failed') this.#fault = GONE.has(state.code) ? 'lost' : state.code;
    if (state.kind === 'failed' || state.kind === 'ended') {
      this.#microphone.close();
      this.#meter.prompts.clear();
    }
  }

  /** @param {(protocol: SessionProtocol) => import('../protocol/session.js').Effect[]} act */
  #do(act) {
    if (this.#protocol) this.#connection?.run(act(this.#protocol));
    this.#render();
  }

  #render() {
    if (!this.#view || !this.isConnected) return;
    const now = performance.now();
    const { state } = this;
    const { sessionId, result } = this.#meter;
    const silent = this.#microphone.silent;
    const reading = this.#reading(now, state);
    const prompt = this.#prompt;
    if (this.#afterwards && now - this.#afterwards.at > AFTERWARDS_MS) this.#afterwards = null;
    mark(this, 'data-state', state);
    mark(this, 'data-grade', reading.grade);
    mark(this, 'data-prompt', prompt?.id);
    mark(this, 'data-session', sessionId);
    const page = new URL('doctor', new URL(this.getAttribute('server') ?? '.', document.baseURI));
    page.searchParams.set('session', sessionId);
    const model = {
      state,
      language: this.#language,
      asking: this.#asking,
      ending: this.#protocol?.state.kind === 'ending',
      silent,
      sending: state === 'live' && this.#microphone.isOpen && !silent,
      reading,
      prompt,
      afterwards: this.#afterwards?.what ?? null,
      fault: this.#fault,
      result,
      basicMode: this.#meter.basicMode,
      code: shortCode(sessionId),
      doctorUrl: page.href,
      notices: this.#meter.notices,
    };
    this.#view.render(model, this.#microphone.level);
  }

  /** @param {number} now @param {HostState} state @returns {import('../meter/meter.js').Reading} */
  #reading(now, state) {
    if (state === 'paused') return { grade: 'nodata', cause: 'paused' };
    if (state === 'live' && this.#microphone.silent) return { grade: 'nodata', cause: 'silent' };
    return this.#meter.reading(now, state === 'live');
  }
}
