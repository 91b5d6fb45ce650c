/** The patient's own sounds, such as a cough, collected from updates. */

/** @import { SoundEvent } from '../protocol/types.js' */

/** Number of sounds kept in a long session. The result has them all. */
const KEPT = 100;

/**
 * @param {SoundEvent[]} known @param {SoundEvent[]} heard from the latest update; their ends may still move
 * @returns {SoundEvent[]} a new list, sorted by time
 */
export function joined(known, heard) {
  const isSame = (/** @type {SoundEvent} */ one, /** @type {SoundEvent} */ other) =>
    one.id === other.id && one.start_s < other.end_s && other.start_s < one.end_s;
  const kept = known.filter((one) => !heard.some((other) => isSame(one, other)));
  return [...kept, ...heard].sort((one, other) => one.start_s - other.start_s).slice(-KEPT);
}
