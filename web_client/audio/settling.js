/** Leaves out the zeros that a device gives between a pause and its first sound. No I/O. */

/** Measured: 20 to 46 ms. What lasts longer is the device's own silence. */
export const SETTLE_MS = 500;

/** Call `released` when a pause ends, then `take` for each chunk. Times are in milliseconds of one clock. */
export class Settling {
  #by = -Infinity;

  /** @param {number} now */
  released(now) {
    this.#by = now + SETTLE_MS;
  }

  /**
   * The chunk without such zeros, which the server would take for a dropout; perhaps nothing is left.
   * @param {Int16Array} pcm
   * @param {number} now
   * @returns {Int16Array}
   */
  take(pcm, now) {
    if (now > this.#by) return pcm;
    const sounds = pcm.findIndex((sample) => sample !== 0);
    if (sounds < 0) return new Int16Array(0);
    this.#by = -Infinity;
    return pcm.slice(sounds);
  }
}
