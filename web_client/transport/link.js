/** Asks the server whether a link still opens something, before anything is opened with it. */

import { FailureCode, failureOfRefusal } from '../protocol/failures.js';

/**
 * @import { Failure } from '../protocol/failures.js'
 */

/** What is wrong with the link itself. Anything else, such as a busy server, says nothing of it. */
const OF_THE_LINK = /** @type {ReadonlySet<string>} */ (
  new Set([
    FailureCode.INVALID_TOKEN,
    FailureCode.FOREIGN_TOKEN,
    FailureCode.TOKEN_EXPIRED,
    FailureCode.TOKEN_USED,
    FailureCode.UNKNOWN_SESSION,
  ])
);

/**
 * @param {string} token
 * @param {{server?: string | null, scope?: 'publish' | 'nudge'}} [at] `scope`: what the page needs it for
 * @returns {Promise<Failure | null>} null: it opens something, or the server does not say
 */
export async function linkRefusal(token, { server = null, scope = 'publish' } = {}) {
  const address = new URL(`v1/token?scope=${scope}`, new URL(server ?? '.', document.baseURI));
  try {
    const response = await fetch(address, { headers: { Authorization: `Bearer ${token}` } });
    if (response.ok) return null;
    const { code, detail } = await response.json();
    if (!OF_THE_LINK.has(code)) return null;
    // Nobody came for its session in time.
    if (code === FailureCode.UNKNOWN_SESSION) return { code: FailureCode.TOKEN_EXPIRED, detail };
    return failureOfRefusal({ code, message: detail });
  } catch {
    return null;
  }
}
