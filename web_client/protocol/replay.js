/** The most recent sound, so that a lost connection loses no words. */

/**
 * The newest `capacity` samples of a recording, addressed by their index since its beginning.
 *
 * When the buffer is full, the oldest samples are replaced. `start` is the first sample still held, so that the caller
 * can tell the server how much is missing (`audio.gap`).
 */
export class ReplayBuffer {
  /** @param {number} capacity number of samples kept @param {number} begun index of the first sample, 0 unless given */
  constructor(capacity, begun = 0) {
    this.#ring = new Int16Array(capacity);
    this.#begun = this.#end = begun;
  }

  #ring;
  #begun;
  #end;

  /** Index of the first sample still held. @returns {number} */
  get start() {
    return Math.max(this.#begun, this.#end - this.#ring.length);
  }

  /** Index after the newest sample, which is the number of samples ever appended. @returns {number} */
  get end() {
    return this.#end;
  }

  /** @param {Int16Array} pcm mono samples, any number */
  append(pcm) {
    const size = this.#ring.length;
    const kept = pcm.length > size ? pcm.subarray(pcm.length - size) : pcm;
    const at = (this.#end + pcm.length - kept.length) % size;
    const head = Math.min(kept.length, size - at);
    this.#ring.set(kept.subarray(0, head), at);
    this.#ring.set(kept.subarray(head), 0);
    this.#end += pcm.length;
  }

  /**
   * A copy of at most `most` samples from index `from`. Throws RangeError unless `from` lies within `start..end`.
   * @param {number} from
   * @param {number} most
   * @returns {Int16Array<ArrayBuffer>}
   */
  read(from, most) {
    if (from < this.start || from > this.#end) throw new RangeError(`sample ${from} is not held`);
    const count = Math.min(most, this.#end - from);
    const size = this.#ring.length;
    const at = from % size;
    const head = Math.min(count, size - at);
    const out = new Int16Array(count);
    out.set(this.#ring.subarray(at, at + head));
    out.set(this.#ring.subarray(0, count - head), head);
    return out;
  }
}
