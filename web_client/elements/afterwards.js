/** What the patient reads for a moment after something has happened. No I/O. */

/** @import { ServerMessage } from '../protocol/types.js' */
/** @typedef {'allRight' | 'better' | 'partLost' | `instead.${Instead}`} Said */

/** Prompts beside which there is something else to do, for whom the first does not suit. */
const INSTEAD = /** @type {const} */ (['move_somewhere_quieter', 'come_closer', 'reduce_echo', 'check_microphone']);

/** @typedef {typeof INSTEAD[number]} Instead */

/** How long it stays. */
const STAYS_MS = 8000;
/** Something to do takes longer to read, and to do. */
const INSTEAD_STAYS_MS = 20_000;

/** Times are in milliseconds of one clock. */
export class Afterwards {
  #offered = /** @type {Set<string>} */ (new Set());
  #said = /** @type {{what: Said, at: number} | null} */ (null);

  /** @param {Said} what @param {number} now */
  say(what, now) {
    this.#said = { what, at: now };
  }

  clear() {
    this.#said = null;
  }

  /** "Not now": something else to do, once; then silence. @param {string} id of the prompt @param {number} now */
  declined(id, now) {
    const other = INSTEAD.find((each) => each === id && !this.#offered.has(each));
    if (other) this.#offered.add(other);
    this.say(other ? `instead.${other}` : 'allRight', now);
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
    if (!this.#said) return null;
    const stays = this.#said.what.startsWith('instead.') ? INSTEAD_STAYS_MS : STAYS_MS;
    return now - this.#said.at <= stays ? this.#said.what : null;
  }
}
