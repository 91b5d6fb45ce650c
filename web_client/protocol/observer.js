/** The doctor's side of `tingqing.v1` without I/O: a snapshot, then updates in the order of `seq`. */

import { Effects } from './effects.js';
import { FailureCode, failureOfClose } from './failures.js';
import { isFinalClose, Line } from './line.js';

const GIVE_UP_AFTER_MS = 5 * 60_000;

/**
 * @import { Failure } from './failures.js'
 * @import { Refusal, ServerMessage } from './types.js'
 *
 * @typedef {{kind: 'idle'} | {kind: 'connecting'} | {kind: 'live'} | {kind: 'reconnecting'} | {kind: 'ended'}
 *   | {kind: 'failed', failure: Failure}} ObserverState
 */

/**
 * One doctor watching one session. Each `handle…` method returns the effects to carry out, in order (see effects.js).
 */
export class ObserverProtocol {
  /** @type {ObserverState} */
  state = { kind: 'idle' };

  /** @param {() => number} [random] */
  constructor(random = Math.random) {
    this.#line = new Line(random);
  }

  /** Whether the session is announced and its patient has not come yet. */
  notBegun = false;

  #line;
  #seq = 0;
  #refusal = /** @type {Refusal | null} */ (null);
  #effects = new Effects();

  /** First call. @param {number} now */
  handleStart(now) {
    this.#enter({ kind: 'connecting' });
    this.#line.want(now, now + GIVE_UP_AFTER_MS);
    this.#effects.add({ do: 'open' });
    return this.#effects.take();
  }

  /** @param {number} now */
  handleOpen(now) {
    this.#line.opened(now);
    this.#refusal = null;
    return this.#effects.take();
  }

  /** @param {string} text @param {number} now */
  handleMessage(text, now) {
    this.#line.heard(now);
    const message = /** @type {ServerMessage} */ (JSON.parse(text));
    if (message.type === 'snapshot') {
      this.#line.answered();
      this.notBegun = false;
      this.#seq = message.update?.seq ?? 0;
      this.#enter({ kind: 'live' });
    } else if (message.type === 'quality.update') {
      if (message.seq <= this.#seq) return [];
      this.#seq = message.seq;
    }
    this.#refusal = message.type === 'error' ? message.error : null;
    this.#effects.add({ do: 'emit', message });
    if (message.type === 'session.ended' || (message.type === 'snapshot' && message.ended)) {
      this.#finish({ kind: 'ended' });
    }
    return this.#effects.take();
  }

  /** Asks the patient something: a prompt of the session's labels. @param {string} id */
  handleSend(id) {
    return this.#say({ type: 'prompt.send', id });
  }

  /** This prompt is not raised again in this visit. @param {string} id */
  handleMute(id) {
    return this.#say({ type: 'prompt.mute', id });
  }

  /** @param {object} message */
  #say(message) {
    if (this.state.kind === 'live') this.#effects.say(message);
    return this.#effects.take();
  }

  /** @param {number} code @param {number} now */
  handleClose(code, now) {
    if (this.#isOver()) return [];
    this.notBegun = this.#refusal?.code === 'session_not_begun';
    if (!isFinalClose(code)) this.#lost(now);
    else if (code === 1000) this.#finish({ kind: 'ended' });
    else this.#finish({ kind: 'failed', failure: failureOfClose(this.#refusal, code) });
    return this.#effects.take();
  }

  /** Call several times a second. @param {number} now */
  handleTick(now) {
    if (this.#isOver()) return [];
    const advice = this.#line.tick(now);
    if (advice === 'open') {
      this.#effects.add({ do: 'open' });
    } else if (advice === 'give up') {
      this.#finish({ kind: 'failed', failure: { code: FailureCode.UNREACHABLE, detail: '' } });
    } else if (advice === 'dead') {
      this.#effects.add({ do: 'close' });
      this.#lost(now);
    }
    return this.#effects.take();
  }

  /** @param {number} now */
  #lost(now) {
    this.#line.lost(now, {
      giveUpAt: now + GIVE_UP_AFTER_MS,
      atLeastMs: 1000 * (this.#refusal?.retry_after_s ?? 0),
    });
    if (this.state.kind === 'live') this.#enter({ kind: 'reconnecting' });
  }

  #isOver() {
    return this.state.kind === 'ended' || this.state.kind === 'failed';
  }

  /** @param {ObserverState} state */
  #finish(state) {
    this.#line.down();
    this.#effects.add({ do: 'close' });
    this.#enter(state);
  }

  /** @param {ObserverState} state */
  #enter(state) {
    if (this.state.kind === state.kind) return;
    this.state = state;
    this.#effects.add({ do: 'emit', message: { type: 'state', state } });
  }
}
