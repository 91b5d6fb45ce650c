/** What the patient's tab keeps of a session, so that a refresh or a tap on a link does not lose it. */

/**
 * @import { LineOption } from '../client/session-config.js'
 * @import { KeptSession } from '../protocol/session-state.js'
 *
 * @typedef {KeptSession & {sampleRate: number, line?: LineOption}} Kept
 * @typedef {{server: string, token: string | null, reference: string | null}} Visit `server`: its address
 * @typedef {Kept & {until: number, visit: string}} Stored `until`: on the device's clock, in ms
 */

const KEY = 'tingqing.session';
const SPENT = 'tingqing.spent';

/**
 * In `sessionStorage`: of this tab alone, and gone with it. A browser that forbids it only loses the comfort. A tablet
 * is handed to the next patient with the tab still open, so what is kept is given to nobody but its own visit.
 */
export class KeptInTab {
  /** SHA-256 of the visit: the token itself is not stored. Empty: not known yet, or the page is not secure. */
  #visit = '';
  #asked = 0;
  #hasToken = false;

  /** Whose session is kept and recalled from now on. @param {Visit} visit */
  async belongTo({ server, token, reference }) {
    const asked = (this.#asked += 1);
    this.#visit = '';
    this.#hasToken = Boolean(token);
    const bytes = new TextEncoder().encode(JSON.stringify([server, token, reference]));
    const digest = await globalThis.crypto?.subtle?.digest('SHA-256', bytes);
    if (!digest || asked !== this.#asked) return;
    this.#visit = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  /** @param {Kept | null | undefined} kept nothing: forget */
  keep(kept) {
    try {
      if (!kept) {
        sessionStorage.removeItem(KEY);
      } else if (this.#visit) {
        const stored = { ...kept, until: Date.now() + 1000 * kept.ttl_s, visit: this.#visit };
        sessionStorage.setItem(KEY, JSON.stringify(stored));
      }
    } catch {
      // As above.
    }
  }

  /** The session of this visit is over, and its link with it: who loads the page again is told at once. */
  spend() {
    try {
      if (this.#hasToken && this.#visit) sessionStorage.setItem(SPENT, this.#visit);
    } catch {
      // As above.
    }
  }

  /** Whether `spend` was called for this visit in this tab. */
  get isSpent() {
    try {
      return this.#visit !== '' && sessionStorage.getItem(SPENT) === this.#visit;
    } catch {
      return false;
    }
  }

  /**
   * The session of this visit. Without a token nobody can tell one patient from the next: then it is given only to who
   * reloads the page, never to who opens it.
   * @returns {Kept | null} null where there is none that the server still keeps
   */
  recall() {
    try {
      const stored = /** @type {Stored | null} */ (JSON.parse(sessionStorage.getItem(KEY) ?? 'null'));
      if (!stored || stored.visit !== this.#visit || stored.until <= Date.now()) return null;
      return this.#hasToken || wasReloaded() ? stored : null;
    } catch {
      return null;
    }
  }
}

/** Whether this page was loaded again by whoever had it open. */
function wasReloaded() {
  const [navigation] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType('navigation'));
  return navigation?.type === 'reload';
}
