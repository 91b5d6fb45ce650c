/** Signs a person in at this server, and out again. The cookie is the browser's; no script sees it. */

import { FailureCode, failureOfRefusal } from '../protocol/failures.js';

/**
 * @import { Failure } from '../protocol/failures.js'
 *
 * @typedef {{needed: boolean, site: string | null}} SignInState `site`: null if nobody signed in
 */

const ADDRESS = 'v1/sign-in';

/** @returns {Promise<SignInState>} nothing is needed where the server does not say */
export async function signInState() {
  try {
    const response = await fetch(ADDRESS);
    if (response.ok) return await response.json();
  } catch {
    // The page says so itself: its socket does not open either.
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

/** Nothing tells whether it worked: afterwards the page asks anew. */
export async function signOut() {
  try {
    await fetch(ADDRESS, { method: 'DELETE' });
  } catch {
    // As above.
  }
}
