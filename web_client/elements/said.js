/** What was said, for the doctor: each content label that was heard, and when. Unexpected ones come first. */

import { doctorText } from '../language/doctor-strings.js';
import { h } from '../drawing/dom.js';
import { clock } from '../language/measures.js';

/**
 * @import { Language, Result, ResultLabel } from '../protocol/types.js'
 *
 * @typedef {ResultLabel & {state: 'stated' | 'denied'}} HeardLabel
 */

/** @param {ResultLabel} label @returns {label is HeardLabel} */
function isHeard(label) {
  return label.state === 'stated' || label.state === 'denied';
}

/**
 * Whether the dictionary expects the opposite: stated instead of denied, or the other way round.
 * @param {ResultLabel} label
 */
export function isUnexpected({ state, expects }) {
  return (expects === 'denied' && state === 'stated') || (expects === 'stated' && state === 'denied');
}

/**
 * @param {Result | null} result
 * @returns {HeardLabel[]} stated or denied, unexpected ones first
 */
export function heardLabels(result) {
  const heard = Object.values(result?.labels ?? {}).filter(isHeard);
  return [...heard.filter(isUnexpected), ...heard.filter((label) => !isUnexpected(label))];
}

/** @param {HeardLabel} label @param {Language} language */
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
