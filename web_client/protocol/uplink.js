/** Which of the patient's sound has been sent, and which is due. No I/O. */

import { ReplayBuffer } from './replay.js';

/** Seconds of sound kept on this device for a replay, whether it was sent or not. */
export const KEEP_S = 20;
/** Most seconds of sound sent without an acknowledgement. Beyond it the rest waits here, where it can be counted. */
export const UNANSWERED_S = 15;
/** Most seconds in one message, as the protocol asks. */
const LARGEST_CHUNK_S = 0.1;

/**
 * @typedef {{gap: number, lost: number} | {pcm: Int16Array<ArrayBuffer>} | {farEnd: boolean}} Piece
 *   samples to leave out, of which the server never heard `lost`; samples to send; or whether the far end speaks from
 *   here on
 */

/** Bounded: sound that waits longer than `KEEP_S` is dropped and reported as a gap in its place. */
export class Uplink {
  /**
   * @param {number} sampleRate Hz
   * @param {number} begun samples of the session that came before this page's own
   * @param {number} heard how many of them the server has taken, as far as the former page knew
   */
  constructor(sampleRate, begun = 0, heard = begun) {
    this.#rate = sampleRate;
    this.#buffer = new ReplayBuffer(KEEP_S * sampleRate, begun);
    this.#heard = heard;
  }

  #rate;
  #buffer;
  #sent = 0;
  #acknowledged = 0;
  #heard;
  /** Where the far end started or stopped, in order; the first may be older than the sound. */
  #marks = /** @type {{at: number, speaking: boolean}[]} */ ([]);
  #marksSent = 0;

  /** Samples of the session so far; `acknowledged`: those that the server has ever taken, as far as is known. */
  get progress() {
    return { samples: this.#buffer.end, acknowledged: this.#heard };
  }

  /** Whether nothing is waiting to be sent. @returns {boolean} */
  get isEmpty() {
    return this.#sent >= this.#buffer.end;
  }

  /** @param {Int16Array} pcm */
  append(pcm) {
    this.#buffer.append(pcm);
  }

  /** The far end (the doctor) speaks, or no longer does, from the next sample on. @param {boolean} speaking */
  markFarEnd(speaking) {
    if (speaking === (this.#marks.at(-1)?.speaking ?? false)) return;
    this.#marks.push({ at: this.#buffer.end, speaking });
    while (this.#marks[1] && this.#marks[1].at <= this.#buffer.start) {
      this.#marks.shift();
      this.#marksSent = Math.max(0, this.#marksSent - 1);
    }
  }

  /** The server has received `samples` in total. @param {number} samples */
  acknowledge(samples) {
    this.#acknowledged = Math.max(this.#acknowledged, samples);
    this.#heard = Math.max(this.#heard, samples);
  }

  /** On a new socket the server asks for everything from `sample` on. @param {number} sample */
  rewind(sample) {
    this.#sent = this.#acknowledged = sample;
    // The last mark before it says what holds there.
    this.#marksSent = Math.max(0, this.#marks.filter(({ at }) => at < sample).length - 1);
  }

  /** The pieces that are due now. Each is returned once. @returns {Generator<Piece>} */
  *take() {
    const missing = this.#buffer.start - this.#sent;
    if (missing > 0) {
      const lost = Math.max(0, this.#buffer.start - Math.max(this.#sent, this.#heard));
      this.#sent += missing;
      this.#acknowledged = Math.max(this.#acknowledged, this.#sent);
      yield { gap: missing, lost };
    }
    yield* this.#dueMarks();
    while (!this.isEmpty && this.#sent - this.#acknowledged < UNANSWERED_S * this.#rate) {
      const untilMark = (this.#marks[this.#marksSent]?.at ?? Infinity) - this.#sent;
      const pcm = this.#buffer.read(this.#sent, Math.min(untilMark, Math.round(LARGEST_CHUNK_S * this.#rate)));
      this.#sent += pcm.length;
      yield { pcm };
      yield* this.#dueMarks();
    }
  }

  /** @returns {Generator<Piece>} */
  *#dueMarks() {
    for (let mark; (mark = this.#marks[this.#marksSent]) && mark.at <= this.#sent;) {
      this.#marksSent += 1;
      yield { farEnd: mark.speaking };
    }
  }
}
