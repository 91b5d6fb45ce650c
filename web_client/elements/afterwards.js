/** What the patient reads for a moment after something has happened. No I/O. */

/** @import { ServerMessage } from '../protocol/types.js' */
/** @typedef {'allRight' | 'better' | 'partLost'} Said */

/** How long it stays. */
const STAYS_MS = 8000;

/** Times are in milliseconds of one clock. */
export class Afterwards {
  #said = /** @type {{what: Said, at: number} | null} */ (null);

  /** @param {Said} what @param {number} now */
  say(what, now) {
    this.#said = { what, at: now };
  }

  clear() {
    this.#said = null;
  }

  /**
   * @param {ServerMessage} message
   * @param {string | null} shown id of the prompt that the patient sees
   * @param {number} now
   */
  receive(message, shown, now) {
    if (message.type === 'prompt.raised' && message.audience === 'patient') this.clear();
    if (message.type === 'prompt.cleared' && message.id === shown) this.say('better', now);
  }

  /** @param {number} now @returns {Said | null} */
  at(now) {
    return this.#said && now - this.#said.at <= STAYS_MS ? this.#said.what : null;
  }
}
