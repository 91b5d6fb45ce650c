/** A recording sent to the server, and its result. */

/** @typedef {import('../protocol/types.js').Result} Result */

/**
 * @param {File} file
 * @param {string | null} server base URL, or null for the page's own server
 * @param {string | null} labels as everywhere; null for the default dictionary
 * @returns {Promise<Result>} throws an Error with the server's own sentence, its `cause` the fault's code
 */
export async function assessFile(file, server = null, labels = null) {
  const body = new FormData();
  body.append('file', file);
  if (labels) body.append('labels', labels);
  const response = await fetch(new URL('v1/assess', new URL(server ?? '.', document.baseURI)), {
    method: 'POST',
    body,
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail ?? answer.title ?? '', { cause: answer.code });
  return answer;
}
