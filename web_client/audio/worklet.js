/** Runs on the audio thread: gathers 128-sample blocks into chunks of 16-bit samples and posts them. */

import { FarEndGate, CHUNK_S as GATED_S } from './far-end-gate.js';
import { Resampler } from './resampler.js';

/** For a page that was opened before its server was upgraded, and does not say how long a chunk is. */
const CHUNK_S = 0.04;

class Capture extends AudioWorkletProcessor {
  #chunk;
  #resampler;
  #gate;
  #gated;
  #filled = 0;
  #held = false;

  /**
   * @param {{processorOptions?: {chunkS?: number, highest?: number | undefined, gated?: boolean}}} options how long a
   *   chunk is, in seconds; the highest sample rate that is wanted, Hz; whether to tell also, as soon as it changes,
   *   that somebody speaks
   */
  constructor({ processorOptions }) {
    super();
    const rate = Math.min(sampleRate, processorOptions?.highest ?? sampleRate);
    this.#resampler = rate < sampleRate ? new Resampler(sampleRate, rate) : null;
    this.#chunk = new Int16Array(Math.round(rate * (processorOptions?.chunkS ?? CHUNK_S)));
    this.port.onmessage = ({ data }) => this.#hold(data);
  }

  /** Nothing is gathered while held, so that no chunk holds sound from before its end. @param {boolean} held */
  #hold(held) {
    this.#held = held;
    this.#filled = 0;
    this.#resampler?.clear();
  }

  /** @override @param {Float32Array[][]} inputs @returns {boolean} */
  process([input]) {
    const block = input?.[0];
    // No block means that the source is gone for now. Nothing is filled in here; the microphone's watchdog notices.
    if (!block || this.#held) return true;
    for (const sample of this.#resampler ? this.#resampler.take(block) : block) {
      this.#chunk[this.#filled++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
      if (this.#filled === this.#chunk.length) this.#post();
    }
    return true;
  }

  #post() {
    const full = this.#chunk;
    this.#chunk = new Int16Array(full.length);
    this.#filled = 0;
    this.port.postMessage(full, [full.buffer]);
  }
}

registerProcessor('tingqing-capture', Capture);
