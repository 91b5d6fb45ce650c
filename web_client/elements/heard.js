/** Other sounds, for the doctor: those that disturb around the patient, and the patient's own, such as a cough. */

import { listed } from '../language/dictionary.js';
import { doctorText } from '../language/doctor-strings.js';
import { h } from '../drawing/dom.js';
import { clock } from '../language/measures.js';

/** @import { Language, SoundEvent, Text } from '../protocol/types.js' */

/**
 * One line; empty when there is nothing to say.
 * @param {{title: Text}[]} around
 * @param {Language} language
 */
export function aroundLine(around, language) {
  if (around.length === 0) return '';
  const names = listed(
    around.map(({ title }) => title[language]),
    language,
  );
  return doctorText('around', language, { names });
}

/** @param {SoundEvent} event @param {Language} language */
export function eventItem({ title, start_s, end_s }, language) {
  return h('li', {}, h('span', { class: 'at' }, `${clock(start_s)}–${clock(end_s)}`), title[language]);
}
