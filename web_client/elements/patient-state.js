/** What the patient's element shows of the client's state. */

import { FailureCode } from '../protocol/failures.js';

/**
 * @import { ClientState } from '../client/client-state.js'
 * @import { HostState } from './patient-words.js'
 */

/** The server's answers where there is no such session, or none any more. @type {ReadonlySet<FailureCode>} */
const GONE = new Set([FailureCode.UNKNOWN_SESSION, FailureCode.SESSION_EXPIRED]);

/**
 * After these the session may still be there, for who tries again: no line was ever opened, or none to the server.
 * @type {ReadonlySet<FailureCode>}
 */
const TRY_AGAIN = new Set([
  FailureCode.MICROPHONE_DENIED,
  FailureCode.MICROPHONE_DENIED_BY_SYSTEM,
  FailureCode.MICROPHONE_DENIED_BY_PAGE,
  FailureCode.MICROPHONE_NOT_FOUND,
  FailureCode.MICROPHONE_BUSY,
  FailureCode.PAGE_INSECURE,
  FailureCode.BROWSER_UNSUPPORTED,
  FailureCode.BROWSER_EMBEDDED,
  FailureCode.UNEXPECTED,
  FailureCode.UNREACHABLE,
  FailureCode.AT_CAPACITY,
]);

/** The server's answers to a link that opens nothing here. @type {ReadonlySet<FailureCode>} */
const REFUSED = new Set([
  FailureCode.UNAUTHORIZED,
  FailureCode.INVALID_TOKEN,
  FailureCode.FOREIGN_TOKEN,
  FailureCode.TOKEN_EXPIRED,
  FailureCode.TOKEN_USED,
]);

/** Whether nobody can go on with the session any more. @param {ClientState} state */
export function isOver(state) {
  return state.kind === 'ended' || (state.kind === 'failed' && !TRY_AGAIN.has(state.failure.code));
}

/** Whether the server refuses the link: pressing the button again changes nothing. @param {ClientState} state */
export function isRefused(state) {
  return state.kind === 'failed' && REFUSED.has(state.failure.code);
}

/** Whether there is no such session, or none any more. @param {{failure: {code: FailureCode}}} state one that failed */
export function isGone({ failure }) {
  return GONE.has(failure.code);
}

/**
 * Whether nothing can be begun any more with the token at hand, which begins one session.
 * @param {ClientState} state
 * @param {{token: string | null, begun: boolean}} link `begun`: a session had begun with it
 */
export function isSpent(state, { token, begun }) {
  return isRefused(state) || (token !== null && begun && isOver(state));
}

/** @param {ClientState} state @returns {HostState} */
export function hostStateOf({ kind }) {
  switch (kind) {
    case 'asking':
      return 'connecting';
    case 'ending':
      return 'live';
    case 'failed':
      return 'error';
    case 'idle':
    case 'connecting':
    case 'live':
    case 'paused':
    case 'reconnecting':
    case 'ended':
      return kind;
  }
}

/** @param {ClientState} state @returns {FailureCode | null} why the state is `error` */
export function failureOf(state) {
  if (state.kind !== 'failed') return null;
  // The server waited for us as long as it does: to the patient, the connection was down for too long.
  return state.failure.code === FailureCode.SESSION_EXPIRED ? FailureCode.LINE_LOST : state.failure.code;
}
