/** What the server has kept and counted, for staff who signed in. */

/**
 * @typedef {{count: number, total: number, rate: number | null, low: number | null, high: number | null}} Share
 * @typedef {{key: string, results: number, hours: number, verdicts: Record<string, number>, first_pass: Share,
 *   in_the_end: Share, retried: Share, followed: Share, usable_soon: Share, usable_median_s: number | null,
 *   worst: (Share & {id: string})[]}} Figures
 * @typedef {{site: string, since: string, until: string, whole: Figures, before: Figures, by_day: Figures[],
 *   by_department: Figures[], by_label_set: Figures[], by_kind: Figures[]}} Stats
 * @typedef {{id: string, kind: 'session' | 'file', ended_at: string, reference: string | null, name: string | null,
 *   department: string, verdict: string | null, score: number | null, doubt: number, failed: string[],
 *   doctors?: {clear: number, unclear: number}}} Doubtful `doctors`: what they said of the session
 * @typedef {'signed out' | 'no keys' | 'no records' | 'unknown'} Refusal
 */

/**
 * @param {URLSearchParams} query
 * @returns {Promise<Stats | Refusal>}
 */
export function siteStats(query) {
  return asked(`v1/stats?${query}`);
}

/**
 * @param {boolean} said those alone of which a doctor said something
 * @returns {Promise<{doubtful: Doubtful[], left: number, reviewed: number} | Refusal>} the most doubtful first
 */
export function doubtfulOnes(said) {
  return asked(said ? 'v1/reviews?doctors=said' : 'v1/reviews');
}

/**
 * @param {string} id
 * @param {boolean | null} heard null: takes back what was said
 * @returns {Promise<Refusal | null>} null: it is written down
 */
export async function review(id, heard) {
  try {
    const headers = { 'Content-Type': 'application/json' };
    const body = JSON.stringify({ heard });
    const response = await fetch(`v1/reviews/${id}`, { method: 'PUT', headers, body });
    return response.ok ? null : await refusalOf(response);
  } catch {
    return 'unknown';
  }
}

/** @typedef {Map<string, {zh: string, en: string}>} Titles */

/**
 * By label id, and by the name of a set; empty if they cannot be had.
 * @returns {Promise<{labels: Titles, sets: Titles}>}
 */
export async function titles() {
  const labels = new Map();
  const sets = new Map();
  try {
    const response = await fetch('v1/label-sets');
    const answer = response.ok ? await response.json() : { label_sets: [] };
    for (const set of answer.label_sets) {
      sets.set(set.name, set.title);
      for (const { id, title } of set.labels) labels.set(id, title);
    }
  } catch {
    // The ids are shown instead.
  }
  return { labels, sets };
}

/** @param {string} address @param {RequestInit} [how] @returns {Promise<any>} what the server says, or a Refusal */
export async function asked(address, how = {}) {
  try {
    const response = await fetch(address, how);
    return response.ok ? await response.json() : await refusalOf(response);
  } catch {
    return 'unknown';
  }
}

/** @param {Response} response @returns {Promise<Refusal>} */
async function refusalOf(response) {
  if (response.status === 401) return 'signed out';
  if (response.status === 403) return 'no keys';
  const { code } = await response.json().catch(() => ({ code: '' }));
  return code === 'no_records' ? 'no records' : 'unknown';
}
