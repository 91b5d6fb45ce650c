/** `<tingqing-patient>`: joins the client and the patient's screen. */

import { TingqingClient } from '../client/client.js';
import { onBeat } from '../clock/beat.js';
import { mark, takeEarly } from '../drawing/dom.js';
import { placeHeadings } from '../drawing/headings.js';
import { Meter } from '../meter/meter.js';
import { KeptInTab } from './kept.js';
import { Afterwards } from './afterwards.js';
import { Link } from './link.js';
import { Opening } from './opening.js';
import { modelOf } from './patient-model.js';
import { optionsOf } from './patient-options.js';
import { hostStateOf, isOver, isRefused } from './patient-state.js';
import { PatientView } from './patient-view.js';
import { patientSheet } from './patient-styles.js';
import { languageOf, textsOf } from '../language/dictionary.js';
import { base } from '../drawing/styles.js';

/**
 * @import { Texts } from '../language/dictionary.js'
 * @import { FailureCode } from '../protocol/failures.js'
 * @import { ServerMessage, VoiceOf } from '../protocol/types.js'
 * @import { HostState, PatientActions, PatientModel, Screen } from './patient-words.js'
 */

/** Beats from one keeping of the session to the next. */
const KEEP_EVERY = 4;
/** Less sound than this holds no word that the patient could say again. */
const A_WORD_S = 0.5;

/**
 * Attributes: `lang`, `labels`, `mode`, `reference`, `server`, `token`, `resumable`, `line`, `texts`; all are optional
 * (docs/web-client.md). The element sets `data-state`, `data-prompt` and `data-grade` on itself. Each message from the
 * server is dispatched as a `tingqing-message` event with the message as its `detail`, each change of state as
 * `tingqing-state`; a link that the server refuses before anything is begun as `tingqing-refused`.
 */
export class TingqingPatient extends HTMLElement {
  static observedAttributes = ['lang', 'server', 'token', 'reference', 'texts'];

  /** The call's own microphone, instead of one of ours. @type {MediaStream | MediaStreamTrack | undefined} */
  source = takeEarly(this, 'source');
  /**
   * Asked before each connection, instead of `token`: the same one for the whole visit.
   * @type {(() => Promise<string>) | undefined}
   */
  tokenProvider = takeEarly(this, 'tokenProvider');

  /** `voice` of a check that has ended: whose voice is the patient's. @type {VoiceOf | null | undefined} */
  voiceOf = takeEarly(this, 'voiceOf');

  #view = /** @type {Screen | null} */ (null);
  #meter = new Meter();
  #client = new TingqingClient();
  #afterwards = new Afterwards();
  #kept = new KeptInTab();
  #texts = /** @type {Texts | undefined} */ (takeEarly(this, 'texts'));
  #heard = /** @type {MediaStream | undefined} */ (undefined);
  #link = new Link();
  #opening = new Opening(this);
  #rest = () => {};
  #beats = 0;

  constructor() {
    super();
    this.#client.on('state', () => this.#moved());
    this.#client.on('message', (message) => this.#receive(message));
    this.#client.on('lost', (seconds) => {
      if (seconds >= A_WORD_S) this.#afterwards.say('partLost', performance.now());
    });
    this.#client.on('level', (level) => this.#view?.showLevel(level));
  }

  connectedCallback() {
    this.#view ??= this.#build();
    this.#rest = onBeat(() => this.#beat());
    addEventListener('pagehide', this.#leaving);
    void this.#belong();
    this.#render();
  }

  disconnectedCallback() {
    this.#rest();
    removeEventListener('pagehide', this.#leaving);
    this.#client.stop();
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    if (name !== 'lang') void this.#belong();
    this.#render();
  }

  /** For what the element does not offer: devices, other labels. */
  get client() {
    return this.#client;
  }

  /** Asks for the microphone and begins, or goes on after a reload. Call it from a user gesture. */
  async start() {
    if (this.#isRunning) return;
    this.#meter = new Meter();
    this.#afterwards.clear();
    if (this.hasAttribute('resumable')) await this.#belong();
    const kept = this.#resumable;
    this.#client.options = optionsOf(this, { language: this.#language, farEnd: this.#heard, kept });
    this.#link.used(this.getAttribute('token'), kept !== null);
    await this.#client.start();
  }

  /** Until `resume`, no sound is recorded, kept or sent. */
  pause() {
    this.#client.pause();
  }

  resume() {
    this.#client.resume();
  }

  /** The doctor: the call's remote stream, or whether they speak now. @param {MediaStream | boolean} heard */
  farEnd(heard) {
    if (typeof heard !== 'boolean') this.#heard = heard;
    this.#client.farEnd(heard);
  }

  /** The patient has finished. What was said so far is still sent and judged. */
  finish() {
    this.#client.finish();
    this.#leaving();
  }

  /** Dismisses the current prompt for this visit. */
  notNow() {
    const prompt = this.#prompt;
    if (!prompt) return;
    this.#meter.prompts.delete(prompt.id);
    this.#afterwards.declined(prompt.id, performance.now());
    this.#client.snooze(prompt.id);
    this.#render();
  }

  /** Assesses a recording, as if the patient had chosen it. @param {File} file */
  assess(file) {
    if (!this.#isRunning) void this.#view?.assess?.(file);
  }

  /** @param {boolean} over a file is being dragged over the page */
  dragging(over) {
    this.#view?.dragging?.(over);
  }

  /** @returns {HostState} */
  get state() {
    return hostStateOf(this.#client.state);
  }

  get #isRunning() {
    return ['connecting', 'live', 'paused', 'reconnecting'].includes(this.state);
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

  get #prompt() {
    const shown = [...this.#meter.prompts.values()].filter(({ audience }) => audience === 'patient');
    return shown.at(-1) ?? null;
  }

  /** What a tab may go on with. */
  get #resumable() {
    return this.hasAttribute('resumable') ? this.#kept.recall() : null;
  }

  /** What the server said of the link when the page was opened. @returns {FailureCode | null} */
  get #refusal() {
    return this.#opening.refusal(this.getAttribute('token'))?.code ?? null;
  }

  /** A page that is asked for tokens gives another one. */
  get #isSpent() {
    if (this.tokenProvider) return false;
    if (this.state === 'idle') return this.#refusal !== null || (this.hasAttribute('resumable') && this.#kept.isSpent);
    return this.#link.isSpent(this.#client.state, this.getAttribute('token'));
  }

  /** Tells apart whose session the tab keeps. One that runs stays whose it was. */
  async #belong() {
    if (!this.isConnected || this.#isRunning) return;
    const server = new URL(this.getAttribute('server') ?? '.', document.baseURI).href;
    const token = this.getAttribute('token');
    await this.#kept.belongTo({ server, token, reference: this.getAttribute('reference') });
    this.#render();
    const known = this.tokenProvider || this.#isRunning || this.#resumable || this.#isSpent;
    if (!known) void this.#opening.ask(token, () => this.#render());
  }

  #build() {
    const root = this.attachShadow({ mode: 'open' });
    const screen = this.makeScreen(root, {
      start: () => void this.start(),
      pause: () => (this.state === 'paused' ? this.resume() : this.pause()),
      finish: () => this.finish(),
      notNow: () => this.notNow(),
      labels: () => this.getAttribute('labels'),
    });
    placeHeadings(this, root);
    return screen;
  }

  /** @protected @param {ShadowRoot} root @param {PatientActions} actions @returns {Screen} */
  makeScreen(root, actions) {
    root.adoptedStyleSheets = [base, patientSheet];
    return new PatientView(root, actions, this.getAttribute('server'));
  }

  /** @param {ServerMessage} message */
  #receive(message) {
    const now = performance.now();
    this.#afterwards.receive(message, this.#prompt?.id ?? null, now);
    if (message.type === 'session.started') this.#link.begun();
    // A server that stops ends the session, and the client goes on with a new one: the meter begins anew with it.
    if (message.type === 'session.started' && message.session_id !== this.#meter.sessionId) this.#meter = new Meter();
    const goesOn = message.type === 'session.ended' && this.#client.state.kind === 'reconnecting';
    if (!goesOn) this.#meter.receive(message, now);
    this.dispatchEvent(new CustomEvent('tingqing-message', { detail: message, bubbles: true, composed: true }));
    if (message.type !== 'level' && message.type !== 'audio.ack') this.#render();
  }

  #moved() {
    const { state } = this.#client;
    if (state.kind === 'ended' || state.kind === 'failed') this.#meter.prompts.clear();
    if (this.hasAttribute('resumable') && isOver(state)) this.#forget();
    this.dispatchEvent(new CustomEvent('tingqing-state', { detail: state, bubbles: true, composed: true }));
    this.#render();
  }

  #forget() {
    this.#kept.keep(null);
    if (this.#isSpent && !isRefused(this.#client.state)) this.#kept.spend();
  }

  #beat() {
    if ((this.#beats += 1) % KEEP_EVERY === 1) this.#leaving();
    this.#render();
  }

  /** Written now and then too: a phone that closes a page says nothing. Who has finished has nothing to go on with. */
  #leaving = () => {
    const begun = this.#isRunning && this.#client.sessionId !== '';
    if (begun && this.hasAttribute('resumable')) this.#kept.keep(this.#client.kept);
  };

  #render() {
    if (!this.#view || !this.isConnected) return;
    const model = this.#model(performance.now());
    mark(this, 'data-state', model.state);
    mark(this, 'data-grade', model.reading.grade);
    mark(this, 'data-prompt', model.prompt?.id);
    mark(this, 'data-session', this.#meter.sessionId);
    mark(this, 'data-link', model.spent ? 'spent' : null);
    this.#view.render(model, this.#client.level);
  }

  /** @param {number} now @returns {PatientModel} */
  #model(now) {
    const shown = {
      language: this.#language,
      texts: this.texts,
      client: this.#client.state,
      meter: this.#meter,
      prompt: this.#prompt,
      afterwards: this.#afterwards.at(now),
      resumable: !this.#isRunning && this.#resumable !== null,
      spent: this.#isSpent,
      refusal: this.#refusal,
      guest: this.hasAttribute('token') || this.tokenProvider !== undefined,
    };
    return modelOf(this, shown, now);
  }
}
