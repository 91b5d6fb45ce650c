/** Tells the server whether a doctor could hear the patient. */

/** @typedef {'kept' | 'notKept' | 'failed'} HeardOutcome `notKept`: the server has no keys, and writes nothing */

/**
 * @param {string} session its id
 * @param {boolean} clear
 * @param {{server: string | null, token: string | null}} at
 * @returns {Promise<HeardOutcome>}
 */
export async function sendHeard(session, clear, { server, token }) {
  const base = new URL(server ?? '.', document.baseURI);
  const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) };
  try {
    const address = new URL(`v1/sessions/${encodeURIComponent(session)}/heard`, base);
    const response = await fetch(address, { method: 'POST', headers, body: JSON.stringify({ clear }) });
    if (!response.ok) return 'failed';
    return (await response.json()).kept ? 'kept' : 'notKept';
  } catch {
    return 'failed';
  }
}
