/** Which sessions the site of whoever signed in has. */

/**
 * @import { Grade } from '../protocol/types.js'
 *
 * @typedef {{id: string, state: 'announced' | 'live' | 'paused' | 'reconnecting', since: string,
 *   reference: string | null, grade: Grade | null, prompts: string[]}} ListedSession
 */

/** @returns {Promise<ListedSession[] | null>} null: the server does not say now */
export async function siteSessions() {
  try {
    const response = await fetch('v1/sessions?limit=200');
    return response.ok ? (await response.json()).sessions : null;
  } catch {
    return null;
  }
}
