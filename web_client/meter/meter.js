/** What a meter shows, derived from the server's messages. Both elements share it. */

import { isProcessed } from './capture.js';
import { joined } from './events.js';
import { Nudging } from './nudging.js';
import { lowest, rowsOfUpdate } from './rows.js';

/** A score older than this is no longer shown as the present. */
export const STALE_AFTER_MS = 2500;
export const TREND_S = 60;
/** How long a passing warning is shown. */
const WARNING_MS = 6000;
/** This warning stays until any sound arrives. The quietest room is some 40 dB above digital silence. */
const SILENT = 'silent_input';
const SILENT_DBFS = -119.9;
/** The server clears a prompt after 3 good updates. After this many, the message must have been lost with the line. */
const CLEARED_AFTER = 6;

/**
 * @import { Capture, Grade, Label, LabelsUpdated, Prompt, QualityUpdate } from '../protocol/types.js'
 * @import { Result, Said, ServerMessage, SessionStarted, Snapshot, SoundEvent, Span } from '../protocol/types.js'
 * @import { Text, WarningCode } from '../protocol/types.js'
 * @import { Row } from './rows.js'
 *
 * @typedef {'coming' | 'network' | 'left' | 'line' | 'paused' | 'silent' | 'waiting' | 'stale' | 'quiet'
 *   | 'ended'} Cause why there is no grade. `coming`: the patient was not there yet. `left`: the patient closed the
 *   page. `line`: no sound arrives from the patient
 * @typedef {'live' | 'paused' | 'reconnecting' | 'ended'} PatientState
 * @typedef {{grade: Grade, cause: Cause | null}} Reading
 * @typedef {{at_s: number, score: number | null}} TrendPoint
 * @typedef {{kind: 'unknown'} | {kind: 'speaking'} | {kind: 'quiet', since: number}} Voice
 *   `unknown`: nobody has been heard so far
 */

/** Give it every message, then ask what to show. Times are in milliseconds of one clock. */
export class Meter {
  /** @type {Label[]} */
  labels = [];
  /** What the server did with the labels that were asked for. @type {Text[]} */
  notices = [];
  /** @type {QualityUpdate | null} */
  update = null;
  nudging = new Nudging();
  /** The current prompts, by id. @type {Map<string, Prompt>} */
  prompts = new Map();
  /** @type {TrendPoint[]} */
  trend = [];
  /** Spans to ask about again, as the server reports them. @type {Span[]} */
  spans = [];
  events = /** @type {SoundEvent[]} */ ([]);
  /** What was said so far, where a transcript is. @type {Said | null} */
  said = null;
  /** @type {Result | null} */
  result = null;
  /** Whether the server stopped in mid-session: the patient goes on with a new one. */
  restarted = false;
  sessionId = '';
  basicMode = false;
  processed = false;
  /** The patient's state, as the server reports it. @type {PatientState} */
  patient = 'live';

  #updatedAt = -Infinity;
  /** When sound last reached the server, as its levels tell. */
  #soundAt = -Infinity;
  #left = false;
  #voice = /** @type {Voice} */ ({ kind: 'unknown' });
  #good = 0;
  #warnings = /** @type {Map<WarningCode, number>} */ (new Map());

  /** @param {ServerMessage} message @param {number} now */
  receive(message, now) {
    this.nudging.receive(message);
    switch (message.type) {
      case 'session.started':
        this.#known(message, message.config.capture, 'live', now);
        break;
      case 'snapshot':
        this.#snapshot(message, now);
        break;
      case 'quality.update':
        this.#scored(message, now);
        break;
      case 'said':
        this.said = message;
        break;
      case 'labels.updated':
        this.#labelled(message);
        break;
      case 'prompt.raised':
        this.#raised(message);
        break;
      case 'prompt.cleared':
        this.prompts.delete(message.id);
        break;
      case 'speech.started':
        this.#heard(true, now);
        break;
      case 'speech.stopped':
        this.#heard(false, now);
        break;
      case 'level':
        this.#soundAt = now;
        if (message.peak_dbfs > SILENT_DBFS) this.#warnings.delete(SILENT);
        this.#heard(message.speaking, now);
        break;
      case 'warning':
        this.#warn(message.code, now);
        break;
      case 'session.state':
        this.#moved(message.state, message.left ?? false, now);
        break;
      case 'session.ended':
        this.restarted = message.reason === 'drain';
        this.#ended(message.result);
        break;
      default: // The others change nothing on the meter.
    }
  }

  /**
   * The grade now, or why there is none. An old value is never shown as the present one.
   * @param {number} now
   * @param {boolean} online whether our own line to the server is up
   * @returns {Reading}
   */
  reading(now, online) {
    if (this.result) return { grade: this.result.overall.grade, cause: 'ended' };
    const cause = this.#cause(now, online);
    return cause ? { grade: 'nodata', cause } : { grade: this.update?.overall.grade ?? 'nodata', cause: null };
  }

  /** @param {number} now @param {boolean} online @returns {Cause | null} */
  #cause(now, online) {
    const absence = online ? this.#absence(now) : 'network';
    if (absence) return absence;
    if (this.#warnings.has(SILENT)) return 'silent';
    if (!this.update) return 'waiting';
    if (now - this.#updatedAt > STALE_AFTER_MS) return 'stale';
    if (this.#isQuiet(now) || this.#hardlySpoke(this.update)) return 'quiet';
    return null;
  }

  /** Why no sound comes from the patient. @param {number} now @returns {Cause | null} */
  #absence(now) {
    if (this.patient === 'reconnecting') return this.#left ? 'left' : 'network';
    if (this.patient === 'paused') return 'paused';
    return now - this.#soundAt > STALE_AFTER_MS ? 'line' : null;
  }

  /**
   * @param {number} now
   * @returns {boolean} whether there was no speech for so long that a grade would say nothing about now
   */
  #isQuiet(now) {
    const voice = this.#voice;
    return voice.kind === 'quiet' ? now - voice.since > STALE_AFTER_MS : voice.kind === 'unknown';
  }

  /**
   * Whether the window holds too little speech to grade: the patient listened, or has only just begun to speak.
   * @param {QualityUpdate} update
   */
  #hardlySpoke({ window, labels }) {
    const label = this.labels.find(({ id }) => id === 'speech_present');
    const spoke = label && labels[label.id]?.score;
    return label && typeof spoke === 'number' ? spoke < label.threshold : window.speech_ratio === 0;
  }

  /** Quality labels, furthest below their own threshold first; those without a score come last. @returns {Row[]} */
  rows() {
    return rowsOfUpdate(this.labels, this.update?.labels ?? {});
  }

  /** The content labels. @returns {Label[]} */
  content() {
    return this.labels.filter((label) => label.kind === 'content');
  }

  /** @param {number} now @returns {WarningCode[]} codes to show */
  warnings(now) {
    return [...this.#warnings].filter(([code, at]) => code === SILENT || now - at < WARNING_MS).map(([code]) => code);
  }

  /**
   * @param {{labels: Label[], notices?: Text[]}}
   *   message
   */
  #labelled({ labels, notices = [] }) {
    this.labels = labels;
    this.notices = notices;
  }

  /**
   * @param {SessionStarted | Snapshot} message
   * @param {Capture} capture
   * @param {PatientState} patient
   * @param {number} now
   */
  #known(message, capture, patient, now) {
    this.sessionId = message.session_id;
    this.#labelled(message);
    this.basicMode = message.basic_mode;
    this.processed = message.basis ? message.basis === 'as_heard' : isProcessed(capture);
    this.#moved(patient, 'left' in message && message.left === true, now);
  }

  /** @param {PatientState} patient @param {boolean} left @param {number} now from when sound is to be expected */
  #moved(patient, left, now) {
    this.patient = patient;
    this.#left = left;
    this.#soundAt = now;
  }

  /** @param {Snapshot} message @param {number} now */
  #snapshot(message, now) {
    this.#known(message, message.capture, message.state, now);
    this.prompts = new Map(message.prompts.map((prompt) => [prompt.id, prompt]));
    this.#warnings = new Map(message.warnings.map((code) => [code, now]));
    if (message.update) this.#scored(message.update, now);
    if (message.trend?.length) this.trend = message.trend;
    this.said = message.said ?? null;
    if (!message.ended) return;
    this.restarted = message.ended.reason === 'drain';
    this.#ended(message.ended.result);
  }

  /** @param {QualityUpdate} update @param {number} now */
  #scored(update, now) {
    this.update = update;
    this.events = joined(this.events, update.events ?? []);
    this.#updatedAt = this.#soundAt = now;
    this.#forget(update);
    if (this.#voice.kind === 'unknown' && update.window.speech_ratio > 0) this.#voice = { kind: 'quiet', since: now };
    const at_s = update.window.end_s;
    this.trend.push({ at_s, score: update.window.speech_ratio > 0 ? lowest(this.rows()) : null });
    this.trend = this.trend.filter((point) => point.at_s >= at_s - TREND_S);
    this.spans = update.session.unusable_spans ?? [];
  }

  /** The patient sees one prompt at a time. @param {Prompt} prompt */
  #raised(prompt) {
    for (const { id, audience } of this.prompts.values()) if (audience === prompt.audience) this.prompts.delete(id);
    this.prompts.set(prompt.id, prompt);
    this.#good = 0;
  }

  /** Removes a prompt whose `prompt.cleared` was lost. @param {QualityUpdate} update */
  #forget(update) {
    // A doctor's stays for its time, whatever the scores are.
    const listeners = [...this.prompts.values()].filter(({ source }) => source !== 'doctor');
    const { id = '', label = '' } = listeners.find(({ audience }) => audience === 'patient') ?? {};
    const threshold = this.labels.find((each) => each.id === label)?.threshold ?? 1;
    this.#good = (update.recent[label] ?? 0) >= threshold ? this.#good + 1 : 0;
    if (this.#good > CLEARED_AFTER) this.prompts.delete(id);
  }

  /** @param {boolean} speaking @param {number} now */
  #heard(speaking, now) {
    if (speaking) {
      this.#voice = { kind: 'speaking' };
      this.#warnings.delete(SILENT);
    } else if (this.#voice.kind === 'speaking') {
      this.#voice = { kind: 'quiet', since: now };
    }
  }

  /** @param {WarningCode} code @param {number} now */
  #warn(code, now) {
    this.#warnings.set(code, now);
    if (code === 'processing_enabled') this.processed = true;
  }

  /** @param {Result} result */
  #ended(result) {
    this.result = result;
    this.notices = result.notices ?? this.notices;
    this.patient = 'ended';
    this.prompts.clear();
  }
}
