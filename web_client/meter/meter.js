/** What a meter shows, from the server's messages. Shared by both elements; no I/O, no clock, no DOM. */

import { joined } from './events.js';
import { lowest, rowsOfUpdate } from './rows.js';

/** A score older than this is no longer shown as the present. */
export const STALE_AFTER_MS = 2500;
export const TREND_S = 60;
/** How long a passing warning is shown. */
const WARNING_MS = 6000;
/** Stands until any sound at all comes; the quietest room is some 40 dB above digital silence. */
const SILENT = 'silent_input';
const SILENT_DBFS = -119.9;
/** The server clears a prompt after 3 good updates; after so many its message was lost with the line. */
const CLEARED_AFTER = 6;

/**
 * @typedef {import('../protocol/types.js').Grade} Grade
 * @typedef {'network' | 'paused' | 'silent' | 'waiting' | 'stale' | 'quiet' | 'ended'} Cause why there is no grade
 * @typedef {{grade: Grade, cause: Cause | null}} Reading
 * @typedef {import('./rows.js').Row} Row
 * @typedef {{at_s: number, score: number | null}} TrendPoint
 */

/** Feed it every message; then ask for what to show. Times are milliseconds of one clock. */
export class Meter {
  /** @type {import('../protocol/types.js').Label[]} */
  labels = [];
  /** What the server made of the labels that were asked for. @type {import('../protocol/types.js').Text[]} */
  notices = [];
  /** @type {import('../protocol/types.js').QualityUpdate | null} */
  update = null;
  /** The prompts that are up, by id. @type {Map<string, import('../protocol/types.js').PromptMessage>} */
  prompts = new Map();
  /** @type {TrendPoint[]} */
  trend = [];
  /** Stretches to ask about again, as the server tells them. @type {import('../protocol/types.js').Span[]} */
  spans = [];
  events = /** @type {import('../protocol/types.js').SoundEvent[]} */ ([]);
  /** @type {import('../protocol/types.js').Result | null} */
  result = null;
  sessionId = '';
  basicMode = false;
  processed = false;
  /** The patient's side, as the server tells it. @type {'live' | 'paused' | 'reconnecting' | 'ended'} */
  patient = 'live';

  #updatedAt = -Infinity;
  #speakingAt = -Infinity;
  #speaking = false;
  #good = 0;
  #warnings = /** @type {Map<string, number>} */ (new Map());

  /** @param {import('../protocol/types.js').ServerMessage} message @param {number} now */
  receive(message, now) {
    this.#handlers[message.type]?.(message, now);
  }

  /** @type {Record<string, (message: any, now: number) => void>} */
  #handlers = {
    'session.started': (/** @type {any} */ message) => this.#known(message, message.config.capture),
    snapshot: this.#snapshot.bind(this),
    'quality.update': this.#scored.bind(this),
    'labels.updated': this.#labelled.bind(this),
    'prompt.raised': this.#raised.bind(this),
    'prompt.cleared': (/** @type {any} */ message) => void this.prompts.delete(message.id),
    'speech.started': (/** @type {any} */ _, /** @type {number} */ now) => this.#voice(true, now),
    'speech.stopped': (/** @type {any} */ _, /** @type {number} */ now) => this.#voice(false, now),
    level: (/** @type {any} */ message, /** @type {number} */ now) => {
      if (message.peak_dbfs > SILENT_DBFS) this.#warnings.delete(SILENT);
      this.#voice(message.speaking, now);
    },
    warning: (/** @type {any} */ message, /** @type {number} */ now) => this.#warn(message.code, now),
    'session.state': (/** @type {any} */ message) => void (this.patient = message.state),
    'session.ended': (/** @type {any} */ message) => this.#ended(message.result),
  };

  /**
   * The grade now, or why there is none: the last value is never kept for the present.
   * @param {number} now
   * @param {boolean} online our own line to the server stands
   * @returns {Reading}
   */
  reading(now, online) {
    if (this.result) return { grade: this.result.overall.grade, cause: 'ended' };
    const cause = this.#cause(now, online);
    return cause ? { grade: 'nodata', cause } : { grade: this.update?.overall.grade ?? 'nodata', cause: null };
  }

  /** @param {number} now @param {boolean} online @returns {Cause | null} */
  #cause(now, online) {
    if (!online || this.patient === 'reconnecting') return 'network';
    if (this.patient === 'paused') return 'paused';
    if (this.#warnings.has(SILENT)) return 'silent';
    if (!this.update) return 'waiting';
    if (now - this.#updatedAt > STALE_AFTER_MS) return 'stale';
    if (!this.#speaking && now - this.#speakingAt > STALE_AFTER_MS) return 'quiet';
    return null;
  }

  /** Quality labels with a score first, the worst (against its own line) on top; then those without. @returns {Row[]} */
  rows() {
    return rowsOfUpdate(this.labels, this.update?.labels ?? {});
  }

  /** Content labels: what could be asked about. @returns {import('../protocol/types.js').Label[]} */
  content() {
    return this.labels.filter((label) => label.kind === 'content');
  }

  /** @param {number} now @returns {string[]} codes to show */
  warnings(now) {
    return [...this.#warnings].filter(([code, at]) => code === SILENT || now - at < WARNING_MS).map(([code]) => code);
  }

  /** @param {{labels: import('../protocol/types.js').Label[], notices?: import('../protocol/types.js').Text[]}} message */
  #labelled({ labels, notices = [] }) {
    Object.assign(this, { labels, notices });
  }

  /** @param {import('../protocol/types.js').SessionStarted | import('../protocol/types.js').Snapshot} message @param {import('../protocol/types.js').Capture} capture */
  #known(message, capture) {
    this.sessionId = message.session_id;
    this.#labelled(message);
    this.basicMode = message.basic_mode;
    this.processed = isProcessed(capture);
    this.patient = 'state' in message ? message.state : 'live';
  }

  /** @param {import('../protocol/types.js').Snapshot} message @param {number} now */
  #snapshot(message, now) {
    this.#known(message, message.capture);
    this.prompts = new Map(message.prompts.map((prompt) => [prompt.id, prompt]));
    this.#warnings = new Map(message.warnings.map((code) => [code, now]));
    if (message.update) this.#scored(message.update, now);
    if (message.ended) this.#ended(message.ended.result);
  }

  /** @param {import('../protocol/types.js').QualityUpdate} update @param {number} now */
  #scored(update, now) {
    this.update = update;
    this.events = joined(this.events, update.events ?? []);
    this.#updatedAt = now;
    this.#forget(update);
    if (this.#speakingAt === -Infinity && update.window.speech_ratio > 0) this.#speakingAt = now;
    const at_s = update.window.end_s;
    this.trend.push({ at_s, score: update.window.speech_ratio > 0 ? lowest(this.rows()) : null });
    while (this.trend[0].at_s < at_s - TREND_S) this.trend.shift();
    this.spans = update.session.unusable_spans ?? [];
  }

  /** To the patient one prompt at a time. @param {import('../protocol/types.js').PromptMessage} prompt */
  #raised(prompt) {
    for (const { id, audience } of this.prompts.values()) if (audience === prompt.audience) this.prompts.delete(id);
    this.prompts.set(prompt.id, prompt);
    this.#good = 0;
  }

  /** A prompt whose clearing never arrived does not stay. @param {import('../protocol/types.js').QualityUpdate} update */
  #forget(update) {
    const { id = '', label = '' } = [...this.prompts.values()].find(({ audience }) => audience === 'patient') ?? {};
    const threshold = this.labels.find((each) => each.id === label)?.threshold ?? 1;
    this.#good = (update.recent[label] ?? 0) >= threshold ? this.#good + 1 : 0;
    if (this.#good > CLEARED_AFTER) this.prompts.delete(id);
  }

  /** @param {boolean} speaking @param {number} now */
  #voice(speaking, now) {
    if (speaking || this.#speaking) this.#speakingAt = now;
    this.#speaking = speaking;
    if (speaking) this.#warnings.delete(SILENT);
  }

  /** @param {string} code @param {number} now */
  #warn(code, now) {
    this.#warnings.set(code, now);
    if (code === 'processing_enabled') this.processed = true;
  }

  /** @param {import('../protocol/types.js').Result} result */
  #ended(result) {
    this.result = result;
    this.notices = result.notices ?? this.notices;
    this.patient = 'ended';
    this.prompts.clear();
  }
}

/** What two people read to each other to know that they see the same session. @param {string} id @returns {string} */
export function shortCode(id) {
  return id
    .replace(/[^a-z0-9]/gi, '')
    .slice(0, 6)
    .toUpperCase();
}

/** The browser works on the sound, or does not say: noise and loudness cannot be judged. */
function isProcessed(/** @type {import('../protocol/types.js').Capture} */ capture) {
  const { source, echoCancellation, noiseSuppression, autoGainControl } = capture;
  return source === 'microphone' && [echoCancellation, noiseSuppression, autoGainControl].some((on) => on !== false);
}
