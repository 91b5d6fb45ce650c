/** What the patient's tab keeps of a session, so that a refresh or a tap on a link does not lose it. */

/**
 * @import { KeptSession } from '../protocol/session-state.js'
 *
 * @typedef {KeptSession & {sampleRate: number}} Kept
 */

const KEY = 'tingqing.session';

/** In `sessionStorage`: of this tab alone, and gone with it. A browser that forbids it only loses the comfort. */
export class KeptInTab {
  /** @param {Kept | undefined} kept nothing: forget */
  keep(kept) {
    try {
      if (kept) sessionStorage.setItem(KEY, JSON.stringify({ ...kept, until: Date.now() + 1000 * kept.ttl_s }));
      else sessionStorage.removeItem(KEY);
    } catch {
      // As above.
    }
  }

  /** @returns {Kept | null} null where there is none that the server still keeps */
  recall() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
      return kept && kept.until > Date.now() ? kept : null;
    } catch {
      return null;
    }
  }
}
