/** A lower sample rate without aliases, as the sound comes. No I/O. */

/** Of the lower rate's band, what passes unchanged; between it and the end of the band the sound falls by 74 dB. */
const PASSES = 0.9;
/** A Blackman window of so many samples falls within one of them, of the sample rate (Harris 1978). */
const WINDOW = 5.5;
/** Most samples of one `take`. The audio thread gives 128. */
const LARGEST_BLOCK = 1024;

/** Give it every block, in order. What it gives is late by half a filter: 7 ms at most, from 16 to 8 kHz. */
export class Resampler {
  /** @param {number} from Hz @param {number} to Hz, lower */
  constructor(from, to) {
    const common = divisor(Math.round(from), Math.round(to));
    this.#step = Math.round(from) / common;
    this.#phases = Math.round(to) / common;
    this.#reach = Math.ceil((WINDOW * from) / ((1 - PASSES) * to));
    const cutoff = ((1 + PASSES) / 2) * (to / from);
    this.#filters = Array.from({ length: this.#phases }, (_, phase) =>
      filter(phase / this.#phases, this.#reach, cutoff),
    );
    this.#held = new Float32Array(4 * this.#reach + LARGEST_BLOCK);
    this.clear();
  }

  #step;
  #phases;
  #reach;
  #filters;
  #held;
  #filled = 0;
  /** The sample at or before which the next one lies, and how far behind it, in steps of `1 / phases`. */
  #at = 0;
  #phase = 0;

  /** Nothing of the sound before is in the sound after. */
  clear() {
    this.#held.fill(0);
    this.#at = this.#filled = this.#reach;
    this.#phase = 0;
  }

  /** @param {Float32Array} block at most 1,024 samples @returns {Float32Array} what can be told now, perhaps nothing */
  take(block) {
    this.#append(block);
    const due = new Float32Array(Math.ceil((block.length * this.#phases) / this.#step) + 1);
    let count = 0;
    for (; this.#at + this.#reach < this.#filled; count += 1) {
      due[count] = this.#sample();
      this.#phase += this.#step;
      this.#at += Math.floor(this.#phase / this.#phases);
      this.#phase %= this.#phases;
    }
    return due.subarray(0, count);
  }

  /** @param {Float32Array} block */
  #append(block) {
    if (this.#filled + block.length > this.#held.length) {
      const from = this.#at - this.#reach;
      this.#held.copyWithin(0, from, this.#filled);
      this.#at -= from;
      this.#filled -= from;
    }
    this.#held.set(block, this.#filled);
    this.#filled += block.length;
  }

  #sample() {
    const taps = /** @type {Float32Array} */ (this.#filters[this.#phase]);
    const held = this.#held.subarray(this.#at - this.#reach);
    let sum = 0;
    for (let k = 0; k < taps.length; k++) sum += at(taps, k) * at(held, k);
    return sum;
  }
}

/**
 * A windowed sinc around a place between two samples.
 * @param {number} behind 0..1, samples
 * @param {number} reach samples to either side
 * @param {number} cutoff of the higher band, 0..1
 */
function filter(behind, reach, cutoff) {
  const taps = Float32Array.from({ length: 2 * reach + 1 }, (_, k) => {
    const t = k - reach - behind;
    const angle = (Math.PI * t) / (reach + 1);
    const window = 0.42 + 0.5 * Math.cos(angle) + 0.08 * Math.cos(2 * angle);
    return window * (t === 0 ? cutoff : Math.sin(Math.PI * cutoff * t) / (Math.PI * t));
  });
  const sum = taps.reduce((all, tap) => all + tap, 0);
  return taps.map((tap) => tap / sum);
}

/** @param {Float32Array} samples @param {number} k within them @returns {number} */
function at(samples, k) {
  return /** @type {number} */ (samples[k]);
}

/** The greatest common one. @param {number} a @param {number} b @returns {number} */
function divisor(a, b) {
  return b === 0 ? a : divisor(b, a % b);
}
