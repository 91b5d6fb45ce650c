/** Where the report of a kept result is. */

/** @import { Language } from '../protocol/types.js' */

/** @param {string} id @param {Language} language @returns {string} a page of its own, to read and to print */
export function reportOf(id, language) {
  return `v1/assessments/${encodeURIComponent(id)}/report?language=${language}`;
}
