/** The phases of the patient's element, and the state that each one shows. */

import { FailureCode } from '../protocol/failures.js';

/**
 * @import { SessionProtocol } from '../protocol/session.js'
 * @import { Connection } from '../transport/connection.js'
 * @import { HostState } from './patient-words.js'
 *
 * @typedef {{kind: 'idle'} | {kind: 'asking'} | {kind: 'refused', code: FailureCode}
 *   | {kind: 'session', protocol: SessionProtocol, connection: Connection}} Phase
 *   `asking`: the browser asks the patient for the microphone. `refused`: no microphone could be opened. `session`
 *   stays after the session has ended, so that the result is shown
 */

/**
 * Answers to a resume whose session is gone. To the patient this means that the connection was down too long.
 * @type {ReadonlySet<FailureCode>}
 */
const GONE = new Set([FailureCode.UNKNOWN_SESSION, FailureCode.SESSION_EXPIRED]);

/** @param {Phase} phase @returns {HostState} */
export function hostStateOf(phase) {
  switch (phase.kind) {
    case 'idle':
      return 'idle';
    case 'asking':
      return 'connecting';
    case 'refused':
      return 'error';
    case 'session': {
      const { kind } = phase.protocol.state;
      if (kind === 'ending') return 'live';
      return kind === 'failed' ? 'error' : kind;
    }
  }
}

/** @param {Phase} phase @returns {FailureCode | null} why the state is `error` */
export function failureOf(phase) {
  if (phase.kind === 'refused') return phase.code;
  if (phase.kind !== 'session' || phase.protocol.state.kind !== 'failed') return null;
  const { code } = phase.protocol.state.failure;
  return GONE.has(code) ? FailureCode.LINE_LOST : code;
}

/**
 * @param {Phase} phase
 * @returns {boolean} whether the patient has finished while the last words are still being judged
 */
export function isEnding(phase) {
  return phase.kind === 'session' && phase.protocol.state.kind === 'ending';
}
