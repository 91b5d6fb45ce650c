/** Sends a recording to the server and returns its result. */

import { FailureCode, failureOfRefusal } from '../protocol/failures.js';

/**
 * @import { Failure } from '../protocol/failures.js'
 * @import { Result } from '../protocol/types.js'
 *
 * @typedef {{result: Promise<Result>, cancel: () => void}} Sending `result` rejects with AssessError
 */

/** Why a recording was not assessed. The message is the server's sentence, in English, if it sent one. */
export class AssessError extends Error {
  /** @param {Failure} failure @param {boolean} [cancelled] by the person at the page */
  constructor(failure, cancelled = false) {
    super(failure.detail);
    this.failure = failure;
    this.code = failure.code;
    this.cancelled = cancelled;
  }
}

/**
 * @param {File} file
 * @param {string | null} server base URL, or null for the page's own server
 * @param {string | null} labels as everywhere; null for the default dictionary
 * @returns {Promise<Result>} throws AssessError
 */
export function assessFile(file, server = null, labels = null) {
  return sendFile(file, server, labels).result;
}

/**
 * As `assessFile`, with the way it goes.
 * @param {File} file
 * @param {string | null} server
 * @param {string | null} labels
 * @param {(sent: number) => void} [onSent] 0..1; at 1 the server begins to judge
 * @param {File} [transcript] what was said, as JSON lines
 * @returns {Sending}
 */
export function sendFile(file, server, labels, onSent = () => {}, transcript = undefined) {
  const body = new FormData();
  body.append('file', file);
  if (transcript) body.append('transcript', transcript);
  if (labels) body.append('labels', labels);
  // fetch does not tell how much of an upload has been sent.
  const request = new XMLHttpRequest();
  request.open('POST', new URL('v1/assess', new URL(server ?? '.', document.baseURI)));
  const result = new Promise((/** @type {(result: Result) => void} */ resolve, reject) => {
    const fail = (/** @type {FailureCode} */ code, /** @type {string} */ detail, cancelled = false) =>
      reject(new AssessError({ code, detail }, cancelled));
    request.upload.onprogress = ({ loaded, total }) => onSent(total ? loaded / total : 0);
    request.upload.onload = () => onSent(1);
    request.onerror = () => fail(FailureCode.UNREACHABLE, 'no answer');
    request.onabort = () => fail(FailureCode.UNEXPECTED, 'cancelled', true);
    request.onload = () => {
      const answer = answerOf(request);
      if (answer.result) resolve(answer.result);
      else reject(new AssessError(answer));
    };
  });
  request.send(body);
  return { result, cancel: () => request.abort() };
}

/** @param {XMLHttpRequest} request @returns {{result: Result} | Failure & {result?: undefined}} */
function answerOf({ status, responseText }) {
  /** @type {unknown} */
  let answer;
  try {
    answer = JSON.parse(responseText);
  } catch (error) {
    // A proxy that takes no large bodies answers with a page of its own.
    return { code: status === 413 ? FailureCode.FILE_TOO_LARGE : FailureCode.UNEXPECTED, detail: String(error) };
  }
  if (status >= 200 && status < 300) return { result: /** @type {Result} */ (answer) };
  /** @type {{code?: string, detail?: string, detail_zh?: string, title?: string}} */
  const { code = '', detail, detail_zh: zh, title = '' } = answer ?? {};
  return { code: failureOfRefusal({ code, message: '' }).code, detail: detail ?? title, ...(zh && { zh }) };
}
