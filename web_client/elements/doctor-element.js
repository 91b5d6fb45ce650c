/** `<tingqing-doctor>`: watches one session, live. */

import { onBeat } from '../clock/beat.js';
import { TingqingObserver } from '../client/observer.js';
import { DoctorView } from './doctor-view.js';
import { doctorSheet } from './doctor-styles.js';
import { mark, takeEarly } from '../drawing/dom.js';
import { placeHeadings } from '../drawing/headings.js';
import { Meter } from '../meter/meter.js';
import { shortCode } from '../meter/short-code.js';
import { languageOf, textsOf } from '../language/dictionary.js';
import { FailureCode } from '../protocol/failures.js';
import { base } from '../drawing/styles.js';

/**
 * @import { Reading } from '../meter/meter.js'
 * @import { ServerMessage } from '../protocol/types.js'
 * @import { WatchState } from '../client/observer.js'
 * @import { Texts } from '../language/dictionary.js'
 * @import { HostState } from './patient-words.js'
 */

/** Before the patient came. @type {Reading} */
const COMING = { grade: 'nodata', cause: 'coming' };

/**
 * Attributes: `session` (its id), `token`, `lang`, `server`, `texts` (docs/web-client.md).
 * The element sets `data-state`, `data-prompt` and `data-grade` on itself. Each message from the server is dispatched
 * as a `tingqing-message` event with the message as its `detail`.
 */
export class TingqingDoctor extends HTMLElement {
  static observedAttributes = ['lang', 'session', 'token', 'texts'];

  /** Asked for a token before each connection, instead of `token`. @type {(() => Promise<string>) | undefined} */
  tokenProvider = takeEarly(this, 'tokenProvider');

  #view = /** @type {DoctorView | null} */ (null);
  #texts = /** @type {Texts | undefined} */ (takeEarly(this, 'texts'));
  #meter = new Meter();
  #observer = /** @type {TingqingObserver | null} */ (null);
  #rest = () => {};

  connectedCallback() {
    if (!this.#view) {
      const root = this.attachShadow({ mode: 'open' });
      root.adoptedStyleSheets = [base, doctorSheet];
      this.#view = new DoctorView(root, {
        send: (id) => this.#observer?.nudge(id),
        mute: (id) => this.#observer?.mute(id),
        heard: async (clear) => (await this.#observer?.heard(clear)) ?? 'failed',
      });
      placeHeadings(this, root);
    }
    this.#rest = onBeat(() => this.#render());
    this.#watch();
  }

  disconnectedCallback() {
    this.#rest();
    this.#observer?.stop();
  }

  /** @param {string} name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(name, before, after) {
    if (!this.isConnected || !this.#view || before === after) return;
    if (name === 'lang' || name === 'texts') this.#render();
    else this.#watch();
  }

  /** @returns {HostState} */
  get state() {
    const { kind } = this.#watched;
    if (kind === 'failed') return 'error';
    return kind === 'live' ? this.#meter.patient : kind;
  }

  /** The page's own words: JSON in the attribute, or this property. @returns {Texts} */
  get texts() {
    return this.#texts ?? textsOf(this.getAttribute('texts'));
  }

  set texts(texts) {
    this.#texts = texts;
    this.#render();
  }

  get #session() {
    return this.getAttribute('session') ?? '';
  }

  /** @returns {WatchState} */
  get #watched() {
    return this.#observer?.state ?? { kind: 'idle' };
  }

  #watch() {
    this.#observer?.stop();
    this.#observer = null;
    this.#meter = new Meter();
    if (this.#session) {
      const at = { server: this.getAttribute('server'), token: this.getAttribute('token') };
      const { tokenProvider } = this;
      const observer = new TingqingObserver({ session: this.#session, ...at, ...(tokenProvider && { tokenProvider }) });
      this.#observer = observer;
      observer.on('message', (message) => this.#receive(message));
      observer.on('state', () => this.#observer === observer && this.#render());
      observer.start();
    }
    this.#render();
  }

  /** @param {ServerMessage} message */
  #receive(message) {
    this.#meter.receive(message, performance.now());
    this.dispatchEvent(new CustomEvent('tingqing-message', { detail: message, bubbles: true, composed: true }));
    if (message.type !== 'level') this.#render();
  }

  /** @returns {FailureCode | null} */
  get #failure() {
    const state = this.#watched;
    if (state.kind === 'failed') return state.failure.code;
    return this.hasAttribute('session') && !this.#session ? FailureCode.SESSION_MISSING : null;
  }

  #render() {
    if (!this.#view || !this.isConnected) return;
    const own = this.#watched.kind === 'live';
    const now = performance.now();
    const reading = this.#observer?.notBegun ? COMING : this.#meter.reading(now, own);
    const told = [...this.#meter.prompts.values()].filter(({ audience }) => audience === 'patient');
    // No sound arrives: whatever the server still calls it, the patient's line is down.
    const state = reading.cause === 'line' ? 'reconnecting' : this.state;
    mark(this, 'data-state', state);
    mark(this, 'data-grade', reading.grade);
    mark(this, 'data-prompt', told.at(-1)?.id);
    mark(this, 'data-session', this.#meter.sessionId);
    this.#view.render({
      state,
      language: languageOf(this.getAttribute('lang') || navigator.language),
      texts: this.texts,
      own,
      failure: this.#failure,
      reading,
      meter: this.#meter,
      warnings: this.#meter.warnings(now),
      code: shortCode(this.#session),
    });
  }
}
