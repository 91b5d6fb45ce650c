/** Signs a person in at this server, and out again. The cookie is the browser's; no script sees it. */

import { FailureCode, failureOfRefusal } from '../protocol/failures.js';

/**
 * @import { Failure } from '../protocol/failures.js'
 *
 * @typedef {{needed: boolean, site: string | null, invites?: boolean, uploads?: boolean, webhooks?: boolean}}
 *   SignInState `site`: null if nobody signed in. `invites`: whether new visits may be made here, `uploads`: whether
 *   recordings may be sent, `webhooks`: whether webhooks may be seen and sent again; older servers do not say
 */

const ADDRESS = 'v1/sign-in';

/**
 * @returns {Promise<SignInState | null>} null: the server cannot say now, being busy or without its database. Where it
 *   is not reached at all nothing is needed: the page says so itself, for its socket does not open either.
 */
export async function signInState() {
  try {
    const response = await fetch(ADDRESS);
    if (response.ok) return await response.json();
    if (response.status === 429 || response.status >= 500) return null;
  } catch {
    // As above.
  }
  return { needed: false, site: null };
}

/** @param {string} key @returns {Promise<Failure | null>} null: signed in */
export async function signIn(key) {
  try {
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(ADDRESS, { method: 'POST', headers, body: JSON.stringify({ key }) });
    if (response.ok) return null;
    const { code, detail } = await response.json();
    return failureOfRefusal({ code, message: detail });
  } catch (error) {
    return { code: FailureCode.UNREACHABLE, detail: String(error) };
  }
}

/** @returns {Promise<boolean>} false: the browser may still be signed in */
export async function signOut() {
  try {
    return (await fetch(ADDRESS, { method: 'DELETE' })).ok;
  } catch {
    return false;
  }
}
