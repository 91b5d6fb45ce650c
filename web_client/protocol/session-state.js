/** The states of a session, and what it is begun with. */

/**
 * @import { Failure } from './failures.js'
 * @import { Capture, Result, SessionStarted } from './types.js'
 *
 * @typedef {{kind: 'idle'} | {kind: 'connecting'} | {kind: 'live'} | {kind: 'paused'}
 *   | {kind: 'reconnecting', why: 'line' | 'restart'}
 *   | {kind: 'ending', since: number, said: boolean} | {kind: 'ended', reason: string, result: Result | null}
 *   | {kind: 'failed', failure: Failure}} SessionState `said`: `session.end` was sent. `restart`: the server stops, and
 *   the session, or a new one in its place, goes on as soon as another takes over
 * @typedef {'speak' | 'pause' | 'end'} Wish what the patient wants; the end is final
 * @typedef {{session_id: string, resume_token: string, samples: number, acknowledged: number,
 *   ttl_s: number}} KeptSession what a page keeps of a session to go on with it after a reload; `resume_token` is
 *   secret. `acknowledged`: of the `samples` that were said, those that the server has taken. `ttl_s`: how long the
 *   server waits
 * @typedef {'pcm_s16le' | 'mulaw'} Encoding
 * @typedef {{sampleRate: number, encoding?: Encoding, capture: Capture, language: string, mode?: string,
 *   labels?: string, reference?: string}} SessionConfig `sampleRate` in Hz, as sent. `encoding`: `pcm_s16le` if absent
 */

/** Whether a person would see no difference. @param {SessionState} one @param {SessionState} other */
export function isSame(one, other) {
  if (one.kind === 'reconnecting' && other.kind === 'reconnecting') return one.why === other.why;
  return one.kind === other.kind;
}

/** Whether none of the labels asked for can ever be judged: a mistyped link. @param {SessionStarted} started */
export function judgesNothing({ labels, notices = [] }) {
  // Content labels may yet get a transcript.
  return notices.some(({ code }) => code === 'nothing_judged') && labels.every(({ kind }) => kind === 'quality');
}
