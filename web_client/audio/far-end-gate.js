/** Whether the far end speaks, from the loudness of the call's remote track. No I/O, no clock. */

/** What `take` is given. */
export const CHUNK_S = 0.04;
/** What is fainter is no speech: comfort noise, the hum of a line. dBFS. */
const FAINTEST_DBFS = -50;
/** Speech stands out of the line's own noise by this much, dB. */
const ABOVE_FLOOR_DB = 9;
/** How fast the noise is believed to rise, dB per 40 ms: 1.25 dB a second. */
const FLOOR_RISES_DB = 0.05;
const ONSET_CHUNKS = 2;
/** 400 ms: the pause between two words is shorter. The server adds 300 ms for the room. */
const OFFSET_CHUNKS = 10;

/** Give it every 40 ms of the remote track, in order. */
export class FarEndGate {
  speaking = false;
  #floor = FAINTEST_DBFS;
  #loud = 0;
  #faint = 0;

  /** @param {Int16Array} pcm mono, 40 ms @returns {boolean} whether the far end speaks now */
  take(pcm) {
    const power = pcm.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, pcm.length) / 2 ** 30;
    const dbfs = 10 * Math.log10(power + 1e-12);
    const isLoud = dbfs > Math.max(FAINTEST_DBFS, this.#floor + ABOVE_FLOOR_DB);
    this.#floor = Math.min(dbfs, this.#floor + FLOOR_RISES_DB);
    this.#loud = isLoud ? this.#loud + 1 : 0;
    this.#faint = isLoud ? 0 : this.#faint + 1;
    if (this.#loud >= ONSET_CHUNKS) this.speaking = true;
    if (this.#faint >= OFFSET_CHUNKS) this.speaking = false;
    return this.speaking;
  }
}
