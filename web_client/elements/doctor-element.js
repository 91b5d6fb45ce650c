/** `<tingqing-doctor>`: watches one session, live. */

import { Connection, socketUrl } from '../transport/connection.js';
import { DoctorView } from './doctor-view.js';
import { doctorSheet } from './doctor-styles.js';
import { mark } from '../drawing/dom.js';
import { Meter, shortCode } from '../meter/meter.js';
import { ObserverProtocol } from '../protocol/observer.js';
import { languageOf } from '../language/strings.js';
import { base } from '../drawing/styles.js';

const BEAT_MS = 250;

/**
 * Attributes: `session` (its id), `lang` (zh or en; else the browser's), `server` (base URL; else the page's own).
 * The host carries `data-state`, `data-prompt`, `data-grade`; every message of the server is dispatched as the event
 * `tingqing-message`, its `detail` the message.
 */
export class TingqingDoctor extends HTMLElement {
  static observedAttributes = ['lang', 'session'];

  #view = /** @type {DoctorView | null} */ (null);
  #meter = new Meter();
  #protocol = new ObserverProtocol();
  #connection = /** @type {Connection | null} */ (null);
  #timer = 0;

  connectedCallback() {
    if (!this.#view) {
      const root = this.attachShadow({ mode: 'open' });
      root.adoptedStyleSheets = [base, doctorSheet];
      this.#view = new DoctorView(root);
    }
    this.#timer = setInterval(() => this.#render(), BEAT_MS);
    this.#watch();
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
    this.#connection?.stop();
  }

  /** @param {string} name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(name, before, after) {
    if (!this.isConnected || !this.#view || before === after) return;
    if (name === 'session') this.#watch();
    else this.#render();
  }

  /** @returns {import('./patient-view.js').HostState} */
  get state() {
    const { kind } = this.#protocol.state;
    if (kind === 'failed') return 'error';
    return kind === 'live' ? this.#meter.patient : kind;
  }

  get #session() {
    return this.getAttribute('session') ?? '';
  }

  #watch() {
    this.#connection?.stop();
    this.#connection = null;
    this.#meter = new Meter();
    this.#protocol = new ObserverProtocol();
    if (this.#session) {
      const path = `v1/sessions/${encodeURIComponent(this.#session)}/observe`;
      const url = socketUrl(path, this.getAttribute('server'));
      this.#connection = new Connection(this.#protocol, url, (message) => this.#receive(message));
      this.#connection.start();
    }
    this.#render();
  }

  /** @param {import('../protocol/types.js').ServerMessage} message */
  #receive(message) {
    if (message.type !== 'state') {
      this.#meter.receive(message, performance.now());
      this.dispatchEvent(new CustomEvent('tingqing-message', { detail: message, bubbles: true, composed: true }));
    }
    if (message.type !== 'level') this.#render();
  }

  get #fault() {
    const { state } = this.#protocol;
    if (state.kind === 'failed') return state.code;
    return this.hasAttribute('session') && !this.#session ? 'no_session' : null;
  }

  #render() {
    if (!this.#view || !this.isConnected) return;
    const { state } = this;
    const own = this.#protocol.state.kind === 'live';
    const now = performance.now();
    const reading = this.#meter.reading(now, own);
    const told = [...this.#meter.prompts.values()].filter(({ audience }) => audience === 'patient');
    mark(this, 'data-state', state);
    mark(this, 'data-grade', reading.grade);
    mark(this, 'data-prompt', told.at(-1)?.id);
    mark(this, 'data-session', this.#meter.sessionId);
    this.#view.render({
      state,
      language: languageOf(this.getAttribute('lang') || navigator.language),
      own,
      fault: this.#fault,
      reading,
      meter: this.#meter,
      warnings: this.#meter.warnings(now),
      code: shortCode(this.#session),
    });
  }
}
