/** What of the patient's sound is due to be sent, and what has been. No I/O. */

import { ReplayBuffer } from './replay.js';

/** Seconds of sound kept on this device for a replay, sent or not, acknowledged or not. */
export const KEEP_S = 20;
/** Sound sent and not yet acknowledged may not exceed this: past it the rest waits here, where it can be counted. */
export const UNANSWERED_S = 15;
/** Seconds in one message at most, while replaying; well under the 64 KiB that the server takes. */
const LARGEST_CHUNK_S = 0.2;

/** @typedef {{gap: number} | {pcm: Int16Array}} Piece samples that are lost, or samples to send */

/** Bounded: what waits for longer than `KEEP_S` is dropped, and told as a gap in its place. */
export class Uplink {
  /** @param {number} sampleRate Hz */
  constructor(sampleRate) {
    this.#rate = sampleRate;
    this.#buffer = new ReplayBuffer(KEEP_S * sampleRate);
  }

  #rate;
  #buffer;
  #sent = 0;
  #acknowledged = 0;

  /** Nothing is waiting. @returns {boolean} */
  get isEmpty() {
    return this.#sent >= this.#buffer.end;
  }

  /** @param {Int16Array} pcm */
  append(pcm) {
    this.#buffer.append(pcm);
  }

  /** The server has taken `samples` in all. @param {number} samples */
  acknowledge(samples) {
    this.#acknowledged = Math.max(this.#acknowledged, samples);
  }

  /** A new socket: the server asks for everything from `sample` on. @param {number} sample */
  rewind(sample) {
    this.#sent = this.#acknowledged = sample;
  }

  /** Pieces due now; each is given once. @returns {Generator<Piece>} */
  *take() {
    const missing = this.#buffer.start - this.#sent;
    if (missing > 0) {
      this.#sent += missing;
      this.#acknowledged = Math.max(this.#acknowledged, this.#sent);
      yield { gap: missing };
    }
    while (!this.isEmpty && this.#sent - this.#acknowledged < UNANSWERED_S * this.#rate) {
      const pcm = this.#buffer.read(this.#sent, Math.round(LARGEST_CHUNK_S * this.#rate));
      this.#sent += pcm.length;
      yield { pcm };
    }
  }
}
