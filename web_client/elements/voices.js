/** Whose voices were heard, for the doctor: the patient's, and when another person spoke. */

import { listed } from '../language/dictionary.js';
import { h } from '../drawing/dom.js';
import { clock } from '../language/measures.js';

/**
 * @import { Language, Voice } from '../protocol/types.js'
 * @import { Translate } from './doctor-words.js'
 */

const SPANS_SHOWN = 4;

/** Whether there is something to tell: a second voice, or one that is hard to hear. @param {Voice[]} voices */
export function hasNews(voices) {
  return voices.length > 1 || voices.some(({ faint }) => faint);
}

/** One line for each voice, then when the others spoke. @param {Voice[]} voices @param {Language} language
 * @param {Translate} t */
export function voiceItems(voices, language, t) {
  const others = voices.filter(({ role }) => role !== 'patient');
  const turns = others
    .flatMap(({ role, spans }) => spans.map((span) => ({ ...span, role })))
    .sort((one, other) => one.start_s - other.start_s)
    .slice(-SPANS_SHOWN);
  return [
    ...voices.map((voice) => h('li', { class: voice.faint ? 'noticed' : '' }, facts(voice, language, t))),
    ...turns.map(({ role, start_s, end_s }) => {
      const who = t(`voice.${role}`);
      const at = h('span', { class: 'at' }, `${clock(start_s)}–${clock(end_s)}`);
      return h('li', {}, at, t('voice.speaks', { who }));
    }),
  ];
}

/** @param {Voice} voice @param {Language} language @param {Translate} t */
function facts({ role, speech_s, speech_dbfs, snr_db, speech_rate_sps, faint }, language, t) {
  const told = [
    t('voice.seconds', { n: String(Math.round(speech_s)) }),
    ...(speech_dbfs === null ? [] : [t('voice.level', { value: `${Math.round(speech_dbfs)} dBFS` })]),
    ...(snr_db === null ? [] : [t('voice.snr', { value: `${Math.round(snr_db)} dB` })]),
    // Older servers do not say.
    ...(typeof speech_rate_sps === 'number' ? [t('sps', { rate: speech_rate_sps.toFixed(1) })] : []),
    ...(faint ? [t('voice.faint')] : []),
  ];
  const who = t(`voice.${role}`);
  return t('voice.facts', { who, facts: listed(told, language) });
}
