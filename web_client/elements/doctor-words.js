/** What the doctor's page says right now. */

import { failureSentence } from '../language/failure-strings.js';
import { nameOf } from '../language/labels.js';
import { because } from '../language/measures.js';
import { gradeOf } from '../meter/rows.js';

/**
 * @import { Texts } from '../language/dictionary.js'
 * @import { DoctorKey } from '../language/doctor-strings.js'
 * @import { Cause, Meter, Reading } from '../meter/meter.js'
 * @import { FailureCode } from '../protocol/failures.js'
 * @import { Language, WarningCode } from '../protocol/types.js'
 * @import { HostState } from './patient-words.js'
 *
 * @typedef {{state: HostState, language: Language, own: boolean,
 *   failure: FailureCode | null, texts: Texts, reading: Reading, meter: Meter, warnings: WarningCode[],
 *   code: string}} DoctorModel
 *   `own`: whether our own line to the server is up
 * @typedef {(key: DoctorKey, values?: Record<string, string>) => string} Translate
 */

/**
 * Warnings that the doctor sees as a notice. The others are shown as the reason why there is no grade, or in another
 * place.
 */
const SHOWN_WARNINGS = /** @type {const} */ ([
  'clipping',
  'scoring_lag',
  'audio_gap',
  'expiring',
  'not_what_was_declared',
]);

/**
 * Whether the doctor sees it as a notice.
 * @param {WarningCode} code
 * @returns {code is typeof SHOWN_WARNINGS[number]}
 */
export function isShown(code) {
  return SHOWN_WARNINGS.some((shown) => shown === code);
}

/**
 * Causes with a word of their own. The others are shown as "No data".
 * @param {Cause | null} cause
 * @returns {DoctorKey | null}
 */
export function wordOf(cause) {
  if (cause === 'coming') return 'word.waiting';
  return cause === 'quiet' || cause === 'paused' || cause === 'waiting' ? `word.${cause}` : null;
}

/** Whether there are content labels but no transcript to score them. @param {Meter} meter */
export function needsTranscript(meter) {
  const scores = meter.update?.labels ?? {};
  return meter.content().some(({ id }) => scores[id]?.why === 'needs_transcript');
}

/** Why of a span whose sound never arrived. */
const LOST = 'lost';

/** @param {{why?: string}} span @param {Meter} meter @param {Language} language @param {Translate} t */
export function spanWhy({ why }, meter, language, t) {
  if (why === LOST) return t('lost');
  const label = meter.labels.find(({ id }) => id === why);
  return label ? t('spanWhy', { name: nameOf(label, language) }) : t('hardToHear');
}

/**
 * Why the grade is what it is, in one sentence: the worst label first.
 * @param {DoctorModel} model
 * @param {Translate} t
 */
export function reasonOf({ reading, own, failure, meter, language }, t) {
  if (failure !== null) return failureSentence(failure, language);
  if (meter.restarted) return t('restarted');
  if (meter.result) return meter.result.advice[language];
  const { cause } = reading;
  if (cause === 'network' && !own) return t('cause.own');
  return cause && cause !== 'ended' ? t(`cause.${cause}`) : worstOf(meter, language, t);
}

/**
 * The label that is furthest below its threshold, and the measure behind it.
 * @param {Meter} meter
 * @param {Language} language
 * @param {Translate} t
 */
function worstOf(meter, language, t) {
  const worst = meter.rows()[0];
  if (!worst || worst.score === null || worst.score >= worst.threshold) return t('allGood');
  const name = nameOf(worst, language);
  const grade = t(gradeOf(worst.score, worst.threshold) === 'poor' ? 'veryLow' : 'low');
  const measure = because(worst.id, meter.update?.measures ?? {}, language);
  return measure ? t('worstBecause', { name, grade, measure }) : t('worst', { name, grade });
}
