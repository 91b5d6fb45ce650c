/** Other sounds, for the doctor: those that disturb around the patient, and the patient's own, such as a cough. */

import { listed } from '../language/dictionary.js';
import { h } from '../drawing/dom.js';
import { clock } from '../language/measures.js';

/**
 * @import { Language, SoundEvent, Text } from '../protocol/types.js'
 * @import { Translate } from './doctor-words.js'
 */

/**
 * One line; empty when there is nothing to say.
 * @param {{title: Text}[]} around
 * @param {Language} language
 * @param {Translate} t
 */
export function aroundLine(around, language, t) {
  if (around.length === 0) return '';
  const names = listed(
    around.map(({ title }) => title[language]),
    language,
  );
  return t('around', { names });
}

/** @param {SoundEvent} event @param {Language} language */
export function eventItem({ title, start_s, end_s }, language) {
  return h('li', {}, h('span', { class: 'at' }, `${clock(start_s)}–${clock(end_s)}`), title[language]);
}
