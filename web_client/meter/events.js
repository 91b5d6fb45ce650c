/** The patient's own sounds (a cough), as updates tell of them; no DOM. */

/** @typedef {import('../protocol/types.js').SoundEvent} SoundEvent */

/** The last of a long session; its result has them all. */
const KEPT = 100;

/**
 * @param {SoundEvent[]} known @param {SoundEvent[]} heard of the latest update, whose ends may still have moved
 * @returns {SoundEvent[]} a new list in the order of time
 */
export function joined(known, heard) {
  const isSame = (/** @type {SoundEvent} */ one, /** @type {SoundEvent} */ other) =>
    one.id === other.id && one.start_s < other.end_s && other.start_s < one.end_s;
  const kept = known.filter((one) => !heard.some((other) => isSame(one, other)));
  return [...kept, ...heard].sort((one, other) => one.start_s - other.start_s).slice(-KEPT);
}
