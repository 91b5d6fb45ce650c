/** What else is heard: sounds around the patient that disturb, and the patient's own (a cough), for the doctor. */

import { doctorText } from '../language/doctor-strings.js';
import { h } from '../drawing/dom.js';
import { clock } from '../language/measures.js';

/** @typedef {import('../protocol/types.js').SoundEvent} SoundEvent @typedef {import('../protocol/types.js').Language} Language */

/** One line, or nothing to say. @param {{title: import('../protocol/types.js').Text}[]} around @param {Language} language */
export function aroundLine(around, language) {
  const names = around.map(({ title }) => title[language]).join(language === 'zh' ? '、' : ', ');
  return names && doctorText('around', language).replace('{names}', names);
}

/** @param {SoundEvent} event @param {Language} language */
export function eventItem({ title, start_s, end_s }, language) {
  return h('li', {}, h('span', { class: 'at' }, `${clock(start_s)}–${clock(end_s)}`), title[language]);
}
