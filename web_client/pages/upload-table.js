/** What came out, as files to take along. No I/O. */

import { uploadText } from '../language/upload-strings.js';
import { isSettled } from './upload-queue.js';
import { whyRefused } from './upload-refusal.js';

/**
 * @import { Language } from '../protocol/types.js'
 * @import { Item } from './upload-queue.js'
 */

/** A spreadsheet takes a text that begins so for a formula. */
const FORMULA = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/u;

/**
 * A row for each file, a column for each label.
 * @param {Item[]} items @param {Language} language
 * @returns {string} with a byte order mark, by which Excel knows UTF-8
 */
export function csvOf(items, language) {
  const settled = items.filter(isSettled);
  const labels = titlesOf(settled, language);
  const head = /** @type {const} */ (['file', 'state', 'verdict', 'score', 'advice']);
  const rows = settled.map((item) => [...rowOf(item, language), ...[...labels.keys()].map((id) => scoreOf(item, id))]);
  const titles = [...head.map((name) => uploadText(`column.${name}`, language)), ...labels.values()];
  return `\uFEFF${[titles, ...rows].map((row) => row.map(cell).join(',')).join('\r\n')}\r\n`;
}

/** Whole results, as the server sent them. @param {Item[]} items */
export function jsonOf(items) {
  const told = items.filter(isSettled).map(({ name, state }) => ({
    file: name,
    state: state.kind,
    ...(state.kind === 'done' && { result: state.result }),
    ...(state.kind === 'failed' && { error: state.failure }),
  }));
  return JSON.stringify(told, null, 2);
}

/** @param {Item[]} items @param {Language} language @returns {Map<string, string>} title by id */
function titlesOf(items, language) {
  const found = new Map();
  for (const { state } of items) {
    if (state.kind !== 'done') continue;
    for (const [id, { title }] of Object.entries(state.result.labels)) found.set(id, title[language]);
  }
  return found;
}

/** @param {Item} item @param {Language} language @returns {(string | number | null)[]} */
function rowOf({ name, state }, language) {
  if (state.kind === 'failed') {
    return [name, uploadText('failed', language), null, null, whyRefused(state.failure, language)];
  }
  if (state.kind !== 'done') return [name, uploadText('cancelled', language), null, null, null];
  const { overall, advice } = state.result;
  const verdict = uploadText(`verdict.${overall.verdict}`, language);
  return [name, uploadText('done', language), verdict, overall.score, advice[language]];
}

/** @param {Item} item @param {string} id @returns {number | null} */
function scoreOf({ state }, id) {
  return state.kind === 'done' ? (state.result.labels[id]?.score ?? null) : null;
}

/** @param {string | number | null} value */
function cell(value) {
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value ?? '') ? `'${value}` : (value ?? '');
  return /[",\r\n]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
