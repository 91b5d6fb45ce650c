/** Keeping one line to the server: when it counts as dead, when to try again, when to stop trying. No I/O, no clock. */

/** Nothing heard for so long, heartbeats included: the line is dead. Going offline gives no close event. */
export const DEAD_AFTER_MS = 3000;
/** A socket that has not answered by then is given up. */
export const ANSWER_WITHIN_MS = 8000;
/** Waits before the 1st, 2nd … attempt; the last is repeated. */
export const RETRY_DELAYS_MS = [0, 300, 1200, 2700, 4800, 7000];
const JITTER_MS = 1000;
/** A tick later than this means that we slept (a blocked page, a closed lid), which says nothing of the line. */
const LATE_TICK_MS = 1500;

/**
 * Closes after which nobody may try again: ended, too big, and everything that would be refused again.
 * @param {number} code
 * @returns {boolean}
 */
export function isFinalClose(code) {
  return code === 1000 || code === 1009 || (code >= 4400 && code <= 4499);
}

/**
 * @typedef {{kind: 'down'}
 *   | {kind: 'waiting', until: number}
 *   | {kind: 'opening', since: number}
 *   | {kind: 'open', since: number, heard: number, answered: boolean}} LineState
 * @typedef {'nothing' | 'open' | 'dead' | 'give up'} LineAdvice what the owner must do now
 */

/**
 * The owner calls `want`, tells what happened (`opened`, `heard`, `lost`) and asks `tick` several times a second.
 * All times are milliseconds of one clock that never goes back.
 */
export class Line {
  /** @type {LineState} */
  state = { kind: 'down' };
  #attempt = 0;
  #giveUpAt = Infinity;
  #ticked = /** @type {number | null} */ (null);

  /** @param {() => number} random 0..1, for the jitter */
  constructor(random) {
    this.#random = random;
  }

  #random;

  /** Attempts since the line last answered. @returns {number} */
  get attempt() {
    return this.#attempt;
  }

  /**
   * Open now; try again until `giveUpAt`.
   * @param {number} now
   * @param {number} giveUpAt
   */
  want(now, giveUpAt) {
    this.#giveUpAt = giveUpAt;
    this.#attempt = 1;
    this.state = { kind: 'opening', since: now };
  }

  /** @param {number} now */
  opened(now) {
    this.state = { kind: 'open', since: now, heard: now, answered: false };
  }

  /** Any message at all. @param {number} now */
  heard(now) {
    if (this.state.kind === 'open') this.state.heard = now;
  }

  /** The server has taken us: the next loss starts counting anew. */
  answered() {
    if (this.state.kind === 'open') this.state.answered = true;
    this.#attempt = 0;
  }

  /**
   * Gone. Tries again later, with growing waits and jitter so that a restarted server is not stormed.
   * @param {number} now
   * @param {{giveUpAt?: number, atLeastMs?: number}} [options]
   */
  lost(now, { giveUpAt, atLeastMs = 0 } = {}) {
    if (giveUpAt !== undefined && this.#attempt === 0) this.#giveUpAt = giveUpAt;
    const step = Math.min(this.#attempt, RETRY_DELAYS_MS.length - 1);
    const wait = RETRY_DELAYS_MS[step] + this.#random() * (step ? JITTER_MS : JITTER_MS / 4);
    this.state = { kind: 'waiting', until: now + Math.max(wait, atLeastMs) };
  }

  /** Not wanted any more. */
  down() {
    this.state = { kind: 'down' };
  }

  /**
   * @param {number} now
   * @returns {LineAdvice}
   */
  tick(now) {
    const slept = this.#ticked === null ? 0 : now - this.#ticked;
    this.#ticked = now;
    const state = this.state;
    switch (state.kind) {
      case 'down':
        return 'nothing';
      case 'waiting':
        if (now >= this.#giveUpAt) return 'give up';
        if (now < state.until) return 'nothing';
        this.#attempt += 1;
        this.state = { kind: 'opening', since: now };
        return 'open';
      case 'opening':
        return now - state.since > ANSWER_WITHIN_MS ? 'dead' : 'nothing';
      case 'open':
        if (slept > LATE_TICK_MS) state.heard = now;
        return now - state.heard > (state.answered ? DEAD_AFTER_MS : ANSWER_WITHIN_MS) ? 'dead' : 'nothing';
    }
  }
}
