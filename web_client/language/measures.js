/** Physical quantities in words, and which of them speaks for which label. */

import { doctorText } from './doctor-strings.js';

/** @typedef {import('../protocol/types.js').Language} Language */

const percent = (/** @type {number} */ x) => `${(100 * x).toFixed(x > 0 && x < 0.01 ? 2 : 0)} %`;

const minus = (/** @type {string} */ number) => number.replace('-', '−');

/** Shown in this order. @type {Record<string, (x: number, language: Language) => string>} */
const FORMATS = {
  snr_db: (x) => `${minus(x.toFixed(1))} dB`,
  noise_dbfs: (x) => `${minus(x.toFixed(0))} dBFS`,
  speech_dbfs: (x) => `${minus(x.toFixed(0))} dBFS`,
  speech_ratio: percent,
  speech_rate_sps: (x, language) => `${x.toFixed(1)} ${doctorText('unit.sps', language)}`,
  bandwidth_hz: (x) => `${(x / 1000).toFixed(1)} kHz`,
  clipping_ratio: percent,
  dropout_ratio: percent,
  reverberation: (x) => x.toFixed(2),
  mos_overall: (x) => x.toFixed(1),
};

/** The measure behind a label's score, where one alone says it. @type {Record<string, string>} */
const BEHIND = {
  speech_present: 'speech_ratio',
  low_background: 'snr_db',
  close_enough: 'speech_dbfs',
  moderate_pace: 'speech_rate_sps',
  low_reverberation: 'reverberation',
  no_clipping: 'clipping_ratio',
  continuous_signal: 'dropout_ratio',
  full_bandwidth: 'bandwidth_hz',
};

/**
 * @param {Record<string, any>} measures
 * @param {Language} language
 * @returns {[name: string, value: string][]} a dash where there is none
 */
export function measureRows(measures, language) {
  /** @type {[string, string][]} */
  const rows = Object.entries(FORMATS).map(([key, format]) => {
    const value = measures[key] ?? null;
    return [doctorText(`measure.${key}`, language), value === null ? '–' : format(value, language)];
  });
  return [...rows, [doctorText('measure.pauses', language), pausesIn(measures.pauses ?? null, language)]];
}

/**
 * How often the patient stopped, and for how long at most: a cue for the doctor, never a score.
 *
 * @param {{count: number, longest_s: number} | null} pauses
 * @param {Language} language
 */
function pausesIn(pauses, language) {
  if (pauses === null) return '–';
  const seconds = doctorText('unit.longest', language).replace('{s}', pauses.longest_s.toFixed(1));
  return pauses.count ? `${pauses.count}${seconds}` : '0';
}

/**
 * @param {string} labelId
 * @param {Record<string, number | null>} measures
 * @param {Language} language
 * @returns {string} "signal to noise 3.1 dB"; empty where no single measure says it
 */
export function because(labelId, measures, language) {
  const key = BEHIND[labelId];
  const value = key === undefined ? null : (measures[key] ?? null);
  if (value === null) return '';
  return `${doctorText(`because.${labelId}`, language)} ${FORMATS[key](value, language)}`;
}

/** @param {number} s seconds since the session began @returns {string} m:ss */
export function clock(s) {
  const whole = Math.floor(s);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
