/** Which sessions the site of whoever signed in has. */

/**
 * @import { Grade } from '../protocol/types.js'
 *
 * @typedef {{id: string, state: 'announced' | 'live' | 'paused' | 'reconnecting', since: string,
 *   reference: string | null, grade: Grade | null, prompts: string[]}} ListedSession
 */

const PAGE = 200;
const MOST_PAGES = 5;

/**
 * The latest thousand at most: a list that nobody could read through must not keep the server busy.
 *
 * @returns {Promise<ListedSession[] | 'signed out' | null>} null: the server does not say now
 */
export async function siteSessions() {
  /** @type {Map<string, ListedSession>} one that moves while the pages are turned is there once */
  const found = new Map();
  /** @type {string | null} */
  let next = null;
  try {
    for (let page = 0; page < MOST_PAGES && (page === 0 || next !== null); page++) {
      const cursor = next === null ? '' : `&cursor=${encodeURIComponent(next)}`;
      const response = await fetch(`v1/sessions?state=running&limit=${PAGE}${cursor}`);
      if (response.status === 401) return 'signed out';
      if (!response.ok) return null;
      /** @type {{sessions: ListedSession[], next: string | null}} */
      const answer = await response.json();
      for (const one of answer.sessions) found.set(one.id, one);
      next = answer.next;
    }
  } catch {
    return null;
  }
  return [...found.values()];
}
