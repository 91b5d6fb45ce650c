/** Labels as rows, graded against their own threshold, worst first. */

/** A quality label below this makes the whole grade poor, as in the server's verdict. */
export const POOR_BELOW = 0.35;
/** The score at which the trend draws the threshold of every label. */
export const DRAWN_THRESHOLD = 0.7;

/**
 * @import { Grade, Label, LabelScore, Result, Text, Why } from '../protocol/types.js'
 *
 * @typedef {{id: string, title: Text, threshold: number, score: number | null,
 *   why: Why | null}} Row one quality label
 */

/**
 * @param {Label[]} labels of any kind
 * @param {Record<string, LabelScore>} scores by label
 * @returns {Row[]} the quality labels, worst first
 */
export function rowsOfUpdate(labels, scores) {
  const quality = labels.filter(({ kind }) => kind === 'quality');
  return worstFirst(
    quality.map(({ id, title, threshold }) => {
      const { score = null, why = null } = scores[id] ?? {};
      return { id, title, threshold, score, why };
    }),
  );
}

/** @param {Result} result @returns {Row[]} the quality labels, worst first */
export function rowsOfResult(result) {
  const quality = Object.entries(result.labels).filter(([, { kind }]) => kind === 'quality');
  return worstFirst(
    quality.map(([id, { title, threshold, score, why = null }]) => ({ id, title, threshold, score, why })),
  );
}

/**
 * @param {Row[]} rows
 * @returns {Row[]} a new list: by the distance to each one's own line, rows without a score last
 */
function worstFirst(rows) {
  const distance = (/** @type {Row} */ { score, threshold }) => (score === null ? Infinity : score - threshold);
  return [...rows].sort((a, b) => (distance(a) === distance(b) ? 0 : distance(a) - distance(b)));
}

/**
 * The label that decides the grade, on a scale where every label's threshold is `DRAWN_THRESHOLD`.
 * @param {Row[]} rows
 * @returns {number | null} 0..1; null where no row has a score
 */
export function lowest(rows) {
  const scores = rows.flatMap(({ score, threshold }) => (score === null ? [] : [levelled(score, threshold)]));
  return scores.length ? Math.min(...scores) : null;
}

/** @param {number} score @param {number} threshold @returns {number} */
function levelled(score, threshold) {
  if (score < threshold) return (DRAWN_THRESHOLD * score) / threshold;
  return threshold < 1 ? DRAWN_THRESHOLD + ((1 - DRAWN_THRESHOLD) * (score - threshold)) / (1 - threshold) : 1;
}

/** @param {number | null} score @param {number} threshold @returns {Grade} */
export function gradeOf(score, threshold) {
  if (score === null) return 'nodata';
  if (score >= threshold) return 'clear';
  return score < POOR_BELOW ? 'poor' : 'usable';
}
