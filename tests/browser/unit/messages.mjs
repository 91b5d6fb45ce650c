/** Server messages for the tests, complete as far as the client's own types go. */

/**
 * @import { Capture, Grade, Label, Level, Overall, QualityUpdate } from '../../../web_client/protocol/types.js'
 * @import { Result, SessionEnded, SessionStarted, Snapshot, Span } from '../../../web_client/protocol/types.js'
 */

export const TEXT = { zh: '', en: '' };

/** @type {Capture} */
export const CAPTURE = {
  source: 'microphone',
  echoCancellation: false,
  noiseSuppression: false,
  autoGainControl: false,
};

/** @type {Label[]} */
const LABELS = [
  { id: 'low_background', kind: 'quality', threshold: 0.7, title: TEXT },
  { id: 'close_enough', kind: 'quality', threshold: 0.7, title: TEXT },
  { id: 'no_crosstalk', kind: 'quality', threshold: 0.7, title: TEXT },
  { id: 'pain_location', kind: 'content', threshold: 0.7, title: TEXT },
];

/** @param {Grade} grade @returns {Overall} */
const overall = (grade) => ({ grade, score: 0.8, passed: grade === 'clear', verdict: null, assessed: '' });

/**
 * @param {number} seq
 * @param {{noise?: number, grade?: Grade, speech?: number, present?: number,
 *   spans?: Span[]}} [standing] `noise`: score of the label for noise; `present`: of the one for speech
 * @returns {QualityUpdate}
 */
export const update = (seq, { noise = 0.9, grade = 'clear', speech = 0.8, present = 1, spans = [] } = {}) => ({
  type: 'quality.update',
  seq,
  window: { end_s: seq + 2, speech_ratio: speech },
  labels: {
    low_background: { score: noise },
    close_enough: { score: 0.8 },
    speech_present: { score: present },
    no_crosstalk: { score: null, why: 'no_evidence' },
  },
  recent: { low_background: noise, close_enough: 0.8, no_crosstalk: null },
  session: { unusable_spans: spans },
  overall: overall(grade),
  measures: {},
});

/** @param {boolean} speaking @returns {Level} */
export const level = (speaking) => ({ type: 'level', peak_dbfs: -120, speaking });

/** @param {Partial<Snapshot>} more @returns {Snapshot} */
export const snapshot = (more = {}) => ({
  type: 'snapshot',
  session_id: 's',
  state: 'live',
  labels: LABELS,
  basic_mode: true,
  capture: CAPTURE,
  update: null,
  prompts: [],
  warnings: [],
  ended: null,
  ...more,
});

/** @param {number} next_sample @returns {SessionStarted} */
export const started = (next_sample = 0) => ({
  type: 'session.started',
  session_id: 's',
  resume_token: 't',
  next_sample,
  config: { capture: CAPTURE },
  limits: { resume_ttl_s: 60 },
  labels: LABELS,
  basic_mode: true,
});

/** @param {string} reason @returns {SessionEnded} */
export const ended = (reason) => ({ type: 'session.ended', reason, result: result('r') });

/** @param {string} id @returns {Result} */
const result = (id) => ({
  id,
  labels: {},
  overall: overall('clear'),
  advice: TEXT,
  unusable_spans: [],
  not_heard: [],
  measures: {},
  interference: [],
  events: [],
});

/** @param {string} code @param {{message?: string, retry_after_s?: number}} [more] */
export const refusal = (code, { message = '', ...more } = {}) => ({ type: 'error', error: { code, message, ...more } });
