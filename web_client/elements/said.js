/**
 * What was said, for the doctor: each content label that was heard, and when, and what was not heard yet. Unexpected
 * ones come first.
 */

import { h } from '../drawing/dom.js';
import { clock } from '../language/measures.js';

/**
 * @import { Translate } from './doctor-words.js'
 * @import { Meter } from '../meter/meter.js'
 * @import { Label, Language, Result, ResultLabel, Said } from '../protocol/types.js'
 *
 * @typedef {Pick<ResultLabel, 'title' | 'state' | 'heard_at_s' | 'expects'>} Spoken
 * @typedef {Spoken & {state: 'stated' | 'denied'}} HeardLabel
 */

/**
 * What to show of a session: of the result once there is one, until then as it was heard so far.
 * @param {Meter} meter
 * @returns {{heard: HeardLabel[], missing: Label[]}} `missing`: not heard yet; at the end the result tells that itself
 */
export function spoken({ result, said, labels }) {
  if (result || !said) return { heard: heardLabels(result), missing: [] };
  const heard = labels.flatMap((label) => heardSoFar(label, said));
  return { heard, missing: labels.filter(({ id }) => said.missing.includes(id)) };
}

/** @param {Label} label @param {Said} said @returns {HeardLabel[]} */
function heardSoFar({ id, title }, said) {
  const { state, heard_at_s = null } = said.labels[id] ?? {};
  return state === 'stated' || state === 'denied' ? [{ title, state, heard_at_s }] : [];
}

/** @template {Spoken} One @param {One} label @returns {label is One & {state: 'stated' | 'denied'}} */
function isHeard(label) {
  return label.state === 'stated' || label.state === 'denied';
}

/**
 * Whether the dictionary expects the opposite: stated instead of denied, or the other way round.
 * @param {Spoken} label
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

/** @param {HeardLabel} label @param {Language} language @param {Translate} t */
export function saidItem(label, language, t) {
  const at = typeof label.heard_at_s === 'number' ? clock(label.heard_at_s) : '';
  const noticed = isUnexpected(label);
  return h(
    'li',
    { class: `said ${label.state}${noticed ? ' noticed' : ''}` },
    h('span', { class: 'at' }, at || '–'),
    h('span', {}, label.title[language]),
    h('strong', {}, t(`said.${label.state}`)),
    ...(noticed ? [h('span', { class: 'pill notice' }, t('said.noticed'))] : []),
  );
}
