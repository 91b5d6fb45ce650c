/** The link, or token, with which an element begins: it begins one session. No I/O. */

import { isSpent } from './patient-state.js';

/** @import { ClientState } from '../client/client-state.js' */

/** Call `used` at each start and `begun` at each `session.started`. */
export class Link {
  #token = /** @type {string | null} */ (null);
  #begun = false;

  /** @param {string | null} token @param {boolean} [begun] a session goes on that had begun with it */
  used(token, begun = false) {
    this.#token = token;
    this.#begun = begun;
  }

  begun() {
    this.#begun = true;
  }

  /**
   * Whether only another link helps.
   * @param {ClientState} state
   * @param {string | null} token the one at hand: a page may have set another one meanwhile
   */
  isSpent(state, token) {
    return token === this.#token && isSpent(state, { token, begun: this.#begun });
  }
}
