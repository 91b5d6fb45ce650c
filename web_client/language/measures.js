/** Measures in words, and which measure explains which label. */

import { doctorText } from './doctor-strings.js';

/**
 * @import { Language, MeasureName, Measures, Pauses } from '../protocol/types.js'
 *
 * @typedef {(x: number, language: Language) => string} Format
 */

const NONE = '–';

const percent = (/** @type {number} */ x) => `${(100 * x).toFixed(x > 0 && x < 0.01 ? 2 : 0)} %`;

const minus = (/** @type {string} */ number) => number.replace('-', '−');

/** Shown in this order. @type {Record<MeasureName, Format>} */
const FORMATS = {
  snr_db: (x) => `${minus(x.toFixed(1))} dB`,
  noise_dbfs: (x) => `${minus(x.toFixed(0))} dBFS`,
  speech_dbfs: (x) => `${minus(x.toFixed(0))} dBFS`,
  speech_ratio: percent,
  speech_rate_sps: (x, language) => doctorText('sps', language, { rate: x.toFixed(1) }),
  bandwidth_hz: (x) => `${(x / 1000).toFixed(1)} kHz`,
  clipping_ratio: percent,
  dropout_ratio: percent,
  reverberation: (x) => x.toFixed(2),
  mos_overall: (x) => x.toFixed(1),
};

/** The measure behind a label's score, where a single one explains it. */
const BEHIND = /** @type {const} */ ({
  speech_present: 'speech_ratio',
  low_background: 'snr_db',
  close_enough: 'speech_dbfs',
  moderate_pace: 'speech_rate_sps',
  low_reverberation: 'reverberation',
  no_clipping: 'clipping_ratio',
  continuous_signal: 'dropout_ratio',
  full_bandwidth: 'bandwidth_hz',
});

/** @param {string} labelId @returns {labelId is keyof typeof BEHIND} */
const hasMeasure = (labelId) => Object.hasOwn(BEHIND, labelId);

/**
 * @param {Measures} measures
 * @param {Language} language
 * @returns {[name: string, value: string][]} a dash where there is no value
 */
export function measureRows(measures, language) {
  const names = /** @type {MeasureName[]} */ (Object.keys(FORMATS));
  /** @type {[string, string][]} */
  const rows = names.map((name) => {
    const value = measures[name] ?? null;
    return [doctorText(`measure.${name}`, language), value === null ? NONE : FORMATS[name](value, language)];
  });
  return [...rows, [doctorText('measure.pauses', language), pausesIn(measures.pauses ?? null, language)]];
}

/**
 * How often the patient paused, and the longest pause. It helps the doctor and never becomes a score.
 *
 * @param {Pauses | null} pauses
 * @param {Language} language
 */
function pausesIn(pauses, language) {
  if (pauses === null) return NONE;
  if (pauses.count === 0) return '0';
  return doctorText('pauses', language, { count: String(pauses.count), longest: pauses.longest_s.toFixed(1) });
}

/**
 * @param {string} labelId
 * @param {Measures} measures
 * @param {Language} language
 * @returns {string} "signal-to-noise ratio 3.1 dB"; empty where no single measure explains it
 */
export function because(labelId, measures, language) {
  if (!hasMeasure(labelId)) return '';
  const name = BEHIND[labelId];
  const value = measures[name] ?? null;
  if (value === null) return '';
  return doctorText(`because.${labelId}`, language, { value: FORMATS[name](value, language) });
}

/** @param {number} s seconds since the session began @returns {string} m:ss */
export function clock(s) {
  const whole = Math.floor(s);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
