/** What a client is doing, as one value. */

import { failureSentence } from '../language/failure-strings.js';
import { whereOf } from '../language/where.js';

/**
 * @import { Failure } from '../protocol/failures.js'
 * @import { SessionState } from '../protocol/session-state.js'
 * @import { Result, Text } from '../protocol/types.js'
 *
 * @typedef {Failure & {remedy: Text}} ToldFailure `code` is stable; `remedy`: what happened and what to do, in words
 *   for this browser
 * @typedef {{kind: 'idle'} | {kind: 'asking'} | {kind: 'connecting'} | {kind: 'live', silent: boolean}
 *   | {kind: 'paused', by: 'caller' | 'system'} | {kind: 'reconnecting', why: 'line' | 'restart'} | {kind: 'ending'}
 *   | {kind: 'ended', reason: string, result: Result | null} | {kind: 'failed', failure: ToldFailure}} ClientState
 *   `asking`: the browser asks for the microphone. `silent`: the microphone gives nothing. `paused` by the system: a
 *   phone call, or a page without a gesture; it goes on by itself
 */

/** @param {Failure} failure @returns {ToldFailure} */
export function told(failure) {
  const where = whereOf(navigator.userAgent);
  const remedy = { zh: failureSentence(failure.code, 'zh', where), en: failureSentence(failure.code, 'en', where) };
  return { ...failure, remedy };
}

/** @param {SessionState} state @param {{silent: boolean, interrupted: boolean}} microphone @returns {ClientState} */
export function clientStateOf(state, { silent, interrupted }) {
  switch (state.kind) {
    case 'live':
      return { kind: 'live', silent };
    case 'paused':
      return { kind: 'paused', by: interrupted ? 'system' : 'caller' };
    case 'ending':
      return { kind: 'ending' };
    case 'failed':
      return { kind: 'failed', failure: told(state.failure) };
    case 'idle':
    case 'connecting':
    case 'reconnecting':
    case 'ended':
      return state;
  }
}
