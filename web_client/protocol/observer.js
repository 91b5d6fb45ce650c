/** The doctor's side of `tingqing.v1` without I/O: a snapshot, then updates by `seq`; the latest wins. */

import { isFinalClose, Line } from './line.js';

const GIVE_UP_AFTER_MS = 5 * 60_000;

/**
 * @typedef {{kind: 'idle'} | {kind: 'connecting'} | {kind: 'live'} | {kind: 'reconnecting'} | {kind: 'ended'}
 *   | {kind: 'failed', code: string, message: string}} ObserverState
 */

/** One doctor watching one session. Every `handle…` returns the effects to carry out (see protocol.js), in order. */
export class ObserverProtocol {
  /** @type {ObserverState} */
  state = { kind: 'idle' };

  /** @param {() => number} [random] */
  constructor(random = Math.random) {
    this.#line = new Line(random);
  }

  #line;
  #seq = 0;
  #refusal = /** @type {import('./types.js').ErrorMessage['error'] | null} */ (null);
  #out = /** @type {import('./session.js').Effect[]} */ ([]);

  /** First call. @param {number} now */
  handleStart(now) {
    this.#enter({ kind: 'connecting' });
    this.#line.want(now, now + GIVE_UP_AFTER_MS);
    this.#out.push({ do: 'open' });
    return this.#effects();
  }

  /** @param {number} now */
  handleOpen(now) {
    this.#line.opened(now);
    this.#refusal = null;
    return this.#effects();
  }

  /** @param {string} text @param {number} now */
  handleMessage(text, now) {
    this.#line.heard(now);
    const message = /** @type {import('./types.js').ServerMessage} */ (JSON.parse(text));
    if (message.type === 'snapshot') {
      this.#line.answered();
      this.#seq = message.update?.seq ?? 0;
      this.#enter({ kind: 'live' });
    } else if (message.type === 'quality.update') {
      if (message.seq <= this.#seq) return [];
      this.#seq = message.seq;
    } else if (message.type === 'error') this.#refusal = message.error;
    this.#out.push({ do: 'emit', message });
    if (message.type === 'session.ended' || (message.type === 'snapshot' && message.ended)) {
      this.#finish({ kind: 'ended' });
    }
    return this.#effects();
  }

  /** @param {number} code @param {number} now */
  handleClose(code, now) {
    if (this.#isOver()) return [];
    if (isFinalClose(code)) {
      const { code: reason = `close_${code}`, message = '' } = this.#refusal ?? {};
      this.#finish(code === 1000 ? { kind: 'ended' } : { kind: 'failed', code: reason, message });
    } else this.#lost(now);
    return this.#effects();
  }

  /** Call several times a second. @param {number} now */
  handleTick(now) {
    if (this.#isOver()) return [];
    const advice = this.#line.tick(now);
    if (advice === 'open') this.#out.push({ do: 'open' });
    else if (advice === 'give up') this.#finish({ kind: 'failed', code: 'unreachable', message: '' });
    else if (advice === 'dead') {
      this.#out.push({ do: 'close' });
      this.#lost(now);
    }
    return this.#effects();
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
    this.#out.push({ do: 'close' });
    this.#enter(state);
  }

  /** @param {ObserverState} state */
  #enter(state) {
    if (this.state.kind === state.kind) return;
    this.state = state;
    this.#out.push({ do: 'emit', message: { type: 'state', state } });
  }

  #effects() {
    const out = this.#out;
    this.#out = [];
    return out;
  }
}
