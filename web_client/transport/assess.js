/** Sends a recording to the server and returns its result. */

import { FailureCode, failureOfRefusal } from '../protocol/failures.js';

/**
 * @import { Failure } from '../protocol/failures.js'
 * @import { Result } from '../protocol/types.js'
 */

/** Why a recording was not assessed. The message is the server's sentence, in English, if it sent one. */
export class AssessError extends Error {
  /** @param {Failure} failure @param {unknown} [cause] */
  constructor({ code, detail }, cause) {
    super(detail, { cause });
    this.code = code;
  }
}

/**
 * @param {File} file
 * @param {string | null} server base URL, or null for the page's own server
 * @param {string | null} labels as everywhere; null for the default dictionary
 * @returns {Promise<Result>} throws AssessError
 */
export async function assessFile(file, server = null, labels = null) {
  const body = new FormData();
  body.append('file', file);
  if (labels) body.append('labels', labels);
  const url = new URL('v1/assess', new URL(server ?? '.', document.baseURI));
  const { response, answer } = await post(url, body);
  if (response.ok) return /** @type {Result} */ (answer);
  const { code = '', detail, title = '' } = /** @type {{code?: string, detail?: string, title?: string}} */ (answer);
  throw new AssessError({ code: failureOfRefusal({ code, message: '' }).code, detail: detail ?? title });
}

/**
 * @param {URL} url
 * @param {FormData} body
 * @returns {Promise<{response: Response, answer: unknown}>} throws AssessError
 */
async function post(url, body) {
  try {
    const response = await fetch(url, { method: 'POST', body });
    return { response, answer: await response.json() };
  } catch (error) {
    // fetch throws TypeError for every network fault. A SyntaxError means that the answer is not our server's.
    const code = error instanceof TypeError ? FailureCode.UNREACHABLE : FailureCode.UNEXPECTED;
    throw new AssessError({ code, detail: String(error) }, error);
  }
}
