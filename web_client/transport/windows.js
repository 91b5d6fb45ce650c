/** All windows of a long session: `session.ended` lists some of them, and says where the rest is. */

/**
 * @import { SessionEnded } from '../protocol/types.js'
 */

const MOST_PAGES = 1000;

/**
 * Ask for it as soon as the session has ended: the server keeps it for two minutes.
 *
 * @param {SessionEnded} ended as it arrived
 * @param {string | null} [base] the server's address; null: the one that serves this page
 * @param {string | null} [token] the one with which the socket was opened
 * @returns {Promise<object[] | null>} null: the server does not give them (any more)
 */
export async function allWindows(ended, base = null, token = null) {
  if (!ended.windows) return ended.result.windows ?? [];
  const found = [];
  const asking = asker(token);
  // Relative, so that it stays below the prefix of a proxy.
  const address = new URL(ended.windows.path.replace(/^\//, ''), new URL(base ?? '.', document.baseURI));
  /** @type {string | null} */
  let next = '0';
  try {
    for (let page = 0; next !== null && page < MOST_PAGES; page++) {
      const response = await fetch(new URL(`?cursor=${encodeURIComponent(next)}`, address), asking);
      if (!response.ok) return null;
      /** @type {{windows: object[], next: string | null}} */
      const answer = await response.json();
      found.push(...answer.windows);
      next = answer.next;
    }
  } catch {
    return null;
  }
  return found;
}

/** @param {string | null} token */
function asker(token) {
  return token ? { headers: { Authorization: `Bearer ${token}` } } : {};
}
