/** The line to the server: when it counts as dead, when to try again, and when to give up. No I/O, no clock. */

/** A line is dead when nothing arrives for this long, heartbeats included. Going offline gives no close event. */
export const DEAD_AFTER_MS = 3000;
/** A socket that has not answered within this time is given up. */
export const ANSWER_WITHIN_MS = 8000;
const LONGEST_RETRY_DELAY_MS = 7000;
/** Waits before the first, second … attempt. The last one is repeated. */
export const RETRY_DELAYS_MS = [0, 300, 1200, 2700, 4800, LONGEST_RETRY_DELAY_MS];
const JITTER_MS = 1000;
/**
 * A tick later than this means that the page slept (blocked, or the lid was closed), which says nothing about the
 * line.
 */
const LATE_TICK_MS = 1500;

/** Bytes against the WebSocket protocol (RFC 6455, 7.4.1), or too many: the same would be refused again. */
const PROTOCOL_CLOSES = new Set([1002, 1007, 1009]);

/**
 * Whether to stop trying after this close code: the session ended, the bytes were refused, or the server
 * would refuse again.
 * @param {number} code
 * @returns {boolean}
 */
export function isFinalClose(code) {
  return code === 1000 || PROTOCOL_CLOSES.has(code) || (code >= 4400 && code <= 4499);
}

/**
 * @typedef {{kind: 'down'}
 *   | {kind: 'waiting', until: number}
 *   | {kind: 'opening', since: number}
 *   | {kind: 'open', since: number, heard: number, answered: boolean}} LineState
 * @typedef {'nothing' | 'open' | 'dead' | 'give up'} LineAdvice what the owner must do now
 */

/**
 * The owner calls `want`, reports what happened (`opened`, `heard`, `lost`) and calls `tick` several times a second.
 * All times are in milliseconds of one monotonic clock.
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

  /** A message of any kind has arrived. @param {number} now */
  heard(now) {
    if (this.state.kind === 'open') this.state.heard = now;
  }

  /** The server has accepted us. After the next loss the waits start from the beginning. */
  answered() {
    if (this.state.kind === 'open') this.state.answered = true;
    this.#attempt = 0;
  }

  /**
   * The line is lost. The next attempts wait longer each time, with jitter, so that clients do not storm a
   * restarted server.
   * @param {number} now
   * @param {{giveUpAt?: number, atLeastMs?: number}} [options]
   */
  lost(now, { giveUpAt, atLeastMs = 0 } = {}) {
    if (giveUpAt !== undefined && this.#attempt === 0) this.#giveUpAt = giveUpAt;
    const jitter = this.#random() * (this.#attempt ? JITTER_MS : JITTER_MS / 4);
    const wait = (RETRY_DELAYS_MS[this.#attempt] ?? LONGEST_RETRY_DELAY_MS) + jitter;
    this.state = { kind: 'waiting', until: now + Math.max(wait, atLeastMs) };
  }

  /** The line is no longer wanted. */
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
