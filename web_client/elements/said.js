/** What was said, for the doctor: each content label that was heard, what stands out first, and when. */

import { doctorText } from '../language/doctor-strings.js';
import { h } from '../drawing/dom.js';
import { clock } from '../language/measures.js';

/** @typedef {import('../protocol/types.js').ResultLabel} ResultLabel @typedef {import('../protocol/types.js').Language} Language */

/** Stated where its dictionary expects a denial, or the other way round. @param {ResultLabel} label */
export function isUnexpected({ state, expects }) {
  return (expects === 'denied' && state === 'stated') || (expects === 'stated' && state === 'denied');
}

/** @param {import('../protocol/types.js').Result | null} result @returns {ResultLabel[]} stated or denied, what stands out first */
export function heardLabels(result) {
  const heard = Object.values(result?.labels ?? {}).filter(({ state }) => state === 'stated' || state === 'denied');
  return [...heard.filter(isUnexpected), ...heard.filter((label) => !isUnexpected(label))];
}

/** @param {ResultLabel} label @param {Language} language */
export function saidItem(label, language) {
  const at = typeof label.heard_at_s === 'number' ? clock(label.heard_at_s) : '';
  const noticed = isUnexpected(label);
  return h(
    'li',
    { class: `said ${label.state}${noticed ? ' noticed' : ''}` },
    h('span', { class: 'at' }, at || '–'),
    h('span', {}, label.title[language]),
    h('strong', {}, doctorText(`said.${label.state}`, language)),
    ...(noticed ? [h('span', { class: 'pill notice' }, doctorText('said.noticed', language))] : []),
  );
}
