/** What the patient's element shows: one value, made anew for each drawing. */

import { shortCode } from '../meter/short-code.js';
import { whereOf } from '../language/where.js';
import { failureOf, hostStateOf } from './patient-state.js';

/**
 * @import { ClientState } from '../client/client-state.js'
 * @import { Texts } from '../language/dictionary.js'
 * @import { Meter, Reading } from '../meter/meter.js'
 * @import { FailureCode } from '../protocol/failures.js'
 * @import { Language, Prompt } from '../protocol/types.js'
 * @import { Said } from './afterwards.js'
 * @import { HostState, PatientModel } from './patient-words.js'
 *
 * @typedef {{language: Language, texts: Texts, client: ClientState, meter: Meter, prompt: Prompt | null,
 *   afterwards: Said | null, resumable: boolean, spent: boolean, refusal: FailureCode | null, guest: boolean}} Shown
 *   `resumable`: the tab has a session to go on with. `refusal`: of the link, told before anything was begun
 */

/**
 * @param {HTMLElement} element
 * @param {Shown} shown
 * @param {number} now
 * @returns {PatientModel}
 */
export function modelOf(element, shown, now) {
  const { client, meter, refusal } = shown;
  const state = hostStateOf(client);
  const { sessionId, result, notices } = meter;
  const silent = client.kind === 'live' && client.silent;
  return {
    ...shown,
    state,
    where: whereOf(navigator.userAgent),
    asking: client.kind === 'asking',
    ending: client.kind === 'ending',
    silent,
    interrupted: client.kind === 'paused' && client.by === 'system',
    restarting: client.kind === 'reconnecting' && client.why === 'restart',
    resumable: (state === 'idle' || state === 'error') && shown.resumable,
    sending: client.kind === 'live' && !silent,
    reading: readingOf(meter, state, silent, now),
    failure: failureOf(client) ?? (state === 'idle' ? refusal : null),
    result,
    code: shortCode(sessionId),
    doctorUrl: doctorPage(element, sessionId),
    notices,
  };
}

/** @param {HTMLElement} element @param {string} sessionId */
function doctorPage(element, sessionId) {
  const page = new URL('doctor', new URL(element.getAttribute('server') ?? '.', document.baseURI));
  page.searchParams.set('session', sessionId);
  return page.href;
}

/** @param {Meter} meter @param {HostState} state @param {boolean} silent @param {number} now @returns {Reading} */
function readingOf(meter, state, silent, now) {
  if (state === 'paused') return { grade: 'nodata', cause: 'paused' };
  if (silent) return { grade: 'nodata', cause: 'silent' };
  return meter.reading(now, state === 'live');
}
