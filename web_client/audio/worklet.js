/**
 * Runs on the audio thread: gathers 128-sample blocks into chunks of 16-bit samples and posts them, or instead, of the
 * far end, whether somebody speaks.
 */

import { FarEndGate, CHUNK_S as GATED_S } from './far-end-gate.js';
import { Resampler } from './resampler.js';

/** For a page that was opened before its server was upgraded, and does not say how long a chunk is. */
const CHUNK_S = 0.04;

class Capture extends AudioWorkletProcessor {
  #chunk;
  #resampler;
  #gate;
  /** Samples that the gate looks at. */
  #part;
  #filled = 0;
  #held = false;

  /**
   * @param {{processorOptions?: {chunkS?: number, highest?: number | undefined, gated?: boolean}}} options how long a
   *   chunk is, in seconds; the highest sample rate that is wanted, Hz; whether to tell after each chunk that somebody
   *   speaks, and at once where that changes, instead of the sound
   */
  constructor({ processorOptions }) {
    super();
    const rate = Math.min(sampleRate, processorOptions?.highest ?? sampleRate);
    this.#resampler = rate < sampleRate ? new Resampler(sampleRate, rate) : null;
    this.#chunk = new Int16Array(Math.round(rate * (processorOptions?.chunkS ?? CHUNK_S)));
    this.#part = Math.round(rate * GATED_S);
    this.#gate = processorOptions?.gated ? new FarEndGate() : null;
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
      if (this.#gate && this.#filled % this.#part === 0) this.#listen(this.#gate);
      if (this.#filled === this.#chunk.length) this.#post();
    }
    return true;
  }

  /** @param {FarEndGate} gate */
  #listen(gate) {
    const former = gate.speaking;
    const speaking = gate.take(this.#chunk.subarray(this.#filled - this.#part, this.#filled));
    if (speaking !== former) this.port.postMessage(speaking);
  }

  #post() {
    if (this.#gate) {
      this.#filled = 0;
      this.port.postMessage(this.#gate.speaking);
      return;
    }
    const full = this.#chunk;
    this.#chunk = new Int16Array(full.length);
    this.#filled = 0;
    this.port.postMessage(full, [full.buffer]);
  }
}

registerProcessor('tingqing-capture', Capture);
