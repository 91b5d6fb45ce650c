/** The patient's side of `tingqing.v1` without I/O: what happened goes in, what to do comes out. */

import { isFinalClose, Line } from './line.js';
import { Uplink } from './uplink.js';

const CONNECT_WITHIN_MS = 20_000;
/** The server drains the last window for 5 s at most. */
const END_WITHIN_MS = 10_000;
const KEEPALIVE_EVERY_MS = 15_000;

/**
 * @typedef {{kind: 'idle'} | {kind: 'connecting'} | {kind: 'live'} | {kind: 'paused'} | {kind: 'reconnecting'}
 *   | {kind: 'ending', since: number}
 *   | {kind: 'ended', reason: string, result: import('./types.js').Result | null}
 *   | {kind: 'failed', code: string, message: string}} SessionState
 * @typedef {{do: 'open'} | {do: 'close'} | {do: 'send', data: string | ArrayBufferLike}
 *   | {do: 'emit', message: import('./types.js').ServerMessage | {type: 'state', state: SessionState}}} Effect
 *   `close` also means that the socket's later events are of no interest
 */

/** One session, over as many sockets as it takes. Every `handle…` returns the effects to carry out, in order. */
export class SessionProtocol {
  /** @type {SessionState} */
  state = { kind: 'idle' };
  /** @type {import('./types.js').SessionStarted | null} */
  session = null;

  /**
   * @param {{sampleRate: number, capture: import('./types.js').Capture, language: string, labels?: string,
   *   reference?: string}} config `sampleRate` in Hz, as really captured
   * @param {() => number} [random]
   */
  constructor(config, random = Math.random) {
    this.#config = config;
    this.#uplink = new Uplink(config.sampleRate);
    this.#line = new Line(random);
  }

  #config;
  #uplink;
  #line;
  #wantsPause = false;
  #wantsEnd = false;
  #endSent = false;
  #snoozed = /** @type {Set<string>} */ (new Set());
  #refusal = /** @type {import('./types.js').ErrorMessage['error'] | null} */ (null);
  #spoke = 0;
  #out = /** @type {Effect[]} */ ([]);

  /** First call. @param {number} now */
  handleStart(now) {
    this.#enter({ kind: 'connecting' });
    this.#line.want(now, now + CONNECT_WITHIN_MS);
    this.#out.push({ do: 'open' });
    return this.#effects();
  }

  /** The socket is open. @param {number} now */
  handleOpen(now) {
    this.#line.opened(now);
    this.#refusal = null;
    const { sampleRate, ...rest } = this.#config;
    const resume = this.session && {
      resume: { session_id: this.session.session_id, resume_token: this.session.resume_token },
    };
    this.#say({ type: 'session.start', audio: { encoding: 'pcm_s16le', sample_rate: sampleRate }, ...rest, ...resume });
    return this.#effects();
  }

  /** Sound, also while there is no line. @param {Int16Array} pcm */
  handleAudio(pcm) {
    if (this.#wantsPause || this.#wantsEnd) return [];
    this.#uplink.append(pcm);
    this.#pump();
    return this.#effects();
  }

  /** @param {string} text @param {number} now */
  handleMessage(text, now) {
    this.#line.heard(now);
    const message = /** @type {import('./types.js').ServerMessage} */ (JSON.parse(text));
    switch (message.type) {
      case 'session.started':
        this.#started(/** @type {any} */ (message), now);
        break;
      case 'audio.ack':
        this.#uplink.acknowledge(message.samples);
        this.#pump();
        break;
      case 'error':
        this.#refusal = message.error;
        break;
      case 'session.ended':
        this.#finish({ kind: 'ended', reason: message.reason, result: message.result });
        break;
    }
    this.#out.push({ do: 'emit', message });
    return this.#effects();
  }

  /** The socket closed by itself. @param {number} code @param {number} now */
  handleClose(code, now) {
    if (this.#isOver()) return [];
    if (this.#wantsEnd && isFinalClose(code)) this.#finish({ kind: 'ended', reason: 'client', result: null });
    else if (isFinalClose(code)) this.#fail(this.#refusal?.code ?? (code === 1000 ? 'closed' : `close_${code}`));
    else this.#lost(now);
    return this.#effects();
  }

  /** Call several times a second. @param {number} now */
  handleTick(now) {
    if (this.#isOver()) return [];
    const state = this.state;
    if (state.kind === 'ending' && now - state.since > END_WITHIN_MS) {
      this.#finish({ kind: 'ended', reason: 'client', result: null });
      return this.#effects();
    }
    const advice = this.#line.tick(now);
    if (advice === 'open') this.#out.push({ do: 'open' });
    else if (advice === 'give up') this.#fail(this.#refusal?.code ?? (this.session ? 'lost' : 'unreachable'));
    else if (advice === 'dead') {
      this.#out.push({ do: 'close' });
      this.#lost(now);
    } else if (state.kind === 'paused' && now - this.#spoke > KEEPALIVE_EVERY_MS) {
      this.#spoke = now;
      this.#say({ type: 'keepalive' });
    }
    return this.#effects();
  }

  /** Sound is neither sent nor kept until `handleResume`. */
  handlePause() {
    this.#wantsPause = true;
    if (this.state.kind === 'live') this.#pause();
    return this.#effects();
  }

  handleResume() {
    this.#wantsPause = false;
    if (this.state.kind === 'paused') {
      this.#say({ type: 'audio.resume' });
      this.#enter({ kind: 'live' });
      this.#pump();
    }
    return this.#effects();
  }

  /** "Not now", said again after a resume in case the server's snapshot was older. @param {string} id */
  handleSnooze(id) {
    this.#snoozed.add(id);
    if (this.#isOnLine()) this.#say({ type: 'prompt.snooze', id });
    return this.#effects();
  }

  /** The patient has finished; what is still here is sent first. @param {number} now */
  handleEnd(now) {
    if (this.#isOver() || this.#wantsEnd) return [];
    this.#wantsEnd = true;
    if (!this.session) this.#finish({ kind: 'ended', reason: 'client', result: null });
    else if (this.#isOnLine()) this.#end(now);
    return this.#effects();
  }

  /** @param {import('./types.js').SessionStarted} message @param {number} now */
  #started(message, now) {
    const resumed = this.session !== null;
    this.session = message;
    this.#line.answered();
    this.#uplink.rewind(message.next_sample);
    this.#endSent = false;
    this.#spoke = now;
    if (this.#wantsEnd) return this.#end(now);
    this.#enter({ kind: 'live' });
    this.#pump();
    if (resumed) for (const id of this.#snoozed) this.#say({ type: 'prompt.snooze', id });
    if (this.#wantsPause) this.#pause();
  }

  #pause() {
    this.#say({ type: 'audio.pause' });
    this.#enter({ kind: 'paused' });
  }

  /** @param {number} now */
  #end(now) {
    this.#enter({ kind: 'ending', since: now });
    this.#pump();
  }

  /** Sends what is due, as far as the server keeps up; says how much is missing where it was too long ago. */
  #pump() {
    if (!this.#isOnLine() || this.state.kind === 'paused') return;
    for (const piece of this.#uplink.take()) {
      if ('gap' in piece) this.#say({ type: 'audio.gap', samples: piece.gap });
      else this.#out.push({ do: 'send', data: piece.pcm.buffer });
    }
    if (this.#wantsEnd && !this.#endSent && this.#uplink.isEmpty) {
      this.#endSent = true;
      this.#say({ type: 'session.end' });
    }
  }

  /** @param {number} now */
  #lost(now) {
    const wait = { atLeastMs: 1000 * (this.#refusal?.retry_after_s ?? 0) };
    const giveUpAt = this.session ? { giveUpAt: now + 1000 * this.session.limits.resume_ttl_s } : {};
    this.#line.lost(now, { ...wait, ...giveUpAt });
    if (this.session) this.#enter({ kind: 'reconnecting' });
  }

  /** @param {string} code */
  #fail(code) {
    this.#finish({ kind: 'failed', code, message: this.#refusal?.message ?? '' });
  }

  /** @param {SessionState} state */
  #finish(state) {
    this.#line.down();
    this.#out.push({ do: 'close' });
    this.#enter(state);
  }

  #isOnLine() {
    return this.state.kind === 'live' || this.state.kind === 'paused' || this.state.kind === 'ending';
  }

  #isOver() {
    return this.state.kind === 'ended' || this.state.kind === 'failed';
  }

  /** @param {SessionState} state */
  #enter(state) {
    if (this.#isOver()) throw new Error(`a session that is over cannot become ${state.kind}`);
    if (this.state.kind === state.kind) return;
    this.state = state;
    this.#out.push({ do: 'emit', message: { type: 'state', state } });
  }

  /** @param {object} message */
  #say(message) {
    this.#out.push({ do: 'send', data: JSON.stringify(message) });
  }

  #effects() {
    const out = this.#out;
    this.#out = [];
    return out;
  }
}
