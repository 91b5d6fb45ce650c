/** Whose voices were heard, for the doctor: the patient's, and when another person spoke. */

import { listed } from '../language/dictionary.js';
import { doctorText } from '../language/doctor-strings.js';
import { h } from '../drawing/dom.js';
import { clock } from '../language/measures.js';

/** @import { Language, Voice } from '../protocol/types.js' */

const SPANS_SHOWN = 4;

/** Whether there is something to tell: a second voice, or one that is hard to hear. @param {Voice[]} voices */
export function hasNews(voices) {
  return voices.length > 1 || voices.some(({ faint }) => faint);
}

/** One line for each voice, then when the others spoke. @param {Voice[]} voices @param {Language} language */
export function voiceItems(voices, language) {
  const others = voices.filter(({ role }) => role !== 'patient');
  const turns = others
    .flatMap(({ role, spans }) => spans.map((span) => ({ ...span, role })))
    .sort((one, other) => one.start_s - other.start_s)
    .slice(-SPANS_SHOWN);
  return [
    ...voices.map((voice) => h('li', { class: voice.faint ? 'noticed' : '' }, facts(voice, language))),
    ...turns.map(({ role, start_s, end_s }) => {
      const who = doctorText(`voice.${role}`, language);
      const at = h('span', { class: 'at' }, `${clock(start_s)}–${clock(end_s)}`);
      return h('li', {}, at, doctorText('voice.speaks', language, { who }));
    }),
  ];
}

/** @param {Voice} voice @param {Language} language */
function facts({ role, speech_s, speech_dbfs, snr_db, faint }, language) {
  const told = [
    doctorText('voice.seconds', language, { n: String(Math.round(speech_s)) }),
    ...(speech_dbfs === null
      ? []
      : [doctorText('voice.level', language, { value: `${Math.round(speech_dbfs)} dBFS` })]),
    ...(snr_db === null ? [] : [doctorText('voice.snr', language, { value: `${Math.round(snr_db)} dB` })]),
    ...(faint ? [doctorText('voice.faint', language)] : []),
  ];
  const who = doctorText(`voice.${role}`, language);
  return doctorText('voice.facts', language, { who, facts: listed(told, language) });
}
