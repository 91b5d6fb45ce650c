/** Announces sessions for whoever may, and draws the links of patients. */

import { FailureCode, failureOfRefusal } from '../protocol/failures.js';

/**
 * @import { Failure } from '../protocol/failures.js'
 *
 * @typedef {{id: string, patient_url: string, nudge_url: string, visit_url: string, visit_doctor_url: string,
 *   expires_at: string}} Announced the links hold tokens
 * @typedef {{size: number, path: string}} QrCode dark modules as an SVG path, in a box of `size` by `size`
 */

/**
 * @param {{mode: 'visit' | 'recording', reference?: string}} terms
 * @returns {Promise<Announced | Failure>}
 */
export function announce(terms) {
  return asked('v1/sessions', terms);
}

/** @param {string} link @returns {Promise<QrCode | Failure>} */
export function qrCode(link) {
  return asked('v1/qr-code', { text: link });
}

/**
 * @template Answer
 * @param {string} address
 * @param {object} body
 * @returns {Promise<Answer | Failure>}
 */
async function asked(address, body) {
  try {
    const headers = { 'Content-Type': 'application/json' };
    const response = await fetch(address, { method: 'POST', headers, body: JSON.stringify(body) });
    const answer = await response.json();
    return response.ok ? answer : failureOfRefusal({ code: answer.code, message: answer.detail });
  } catch (error) {
    return { code: FailureCode.UNREACHABLE, detail: String(error) };
  }
}
