/** A microphone for as long as a session lasts: its level, whether it is silent, and another one when it dies. */

import { openMicrophone } from './microphone.js';

const REOPEN_EVERY_MS = 3000;
/** dBFS at the ends of the level bar. */
const [LEVEL_EMPTY, LEVEL_FULL] = [-60, -12];
/** The bar falls by this factor per chunk, so that words do not make it flicker. */
const DECAY = 0.85;

/** `open`, then call `tick` several times a second, until `close`. */
export class LiveMicrophone {
  /**
   * @param {(pcm: Int16Array) => void} onPcm mono samples, 40 ms each
   * @param {() => void} onChange `silent` has changed
   */
  constructor(onPcm, onChange) {
    this.#listeners = {
      onPcm: (/** @type {Int16Array} */ pcm) => {
        this.level = Math.max(levelOf(pcm), this.level * DECAY);
        onPcm(pcm);
      },
      onSilent: (/** @type {boolean} */ silent) => {
        this.silent = silent;
        this.#reopenAt = 0;
        onChange();
      },
    };
  }

  /** Nothing but zeros come, or nothing at all: switched off, unplugged or taken away. */
  silent = false;
  /** How loud it is, 0..1, for a bar. */
  level = 0;

  #listeners;
  #microphone = /** @type {import('./microphone.js').Microphone | null} */ (null);
  #muted = false;
  #reopenAt = 0;
  #reopening = false;

  /** @returns {boolean} */
  get isOpen() {
    return this.#microphone !== null;
  }

  /** Raises MicrophoneError. @returns {Promise<{sampleRate: number, capture: import('../protocol/types.js').Capture}>} */
  async open() {
    this.#microphone = await openMicrophone(this.#listeners);
    this.silent = this.#muted = false;
    navigator.mediaDevices.addEventListener('devicechange', this.#devicesChanged);
    return this.#microphone;
  }

  close() {
    navigator.mediaDevices?.removeEventListener('devicechange', this.#devicesChanged);
    this.#microphone?.stop();
    this.#microphone = null;
    this.silent = false;
    this.level = 0;
  }

  /** @param {boolean} muted nothing is heard, nothing given out */
  mute(muted) {
    this.#muted = muted;
    this.level = 0;
    this.#microphone?.mute(muted);
  }

  /** @param {number} now */
  tick(now) {
    if (this.silent && this.#microphone?.isEnded && now >= this.#reopenAt) void this.#reopen();
  }

  #devicesChanged = () => void (this.silent && this.#reopen());

  /** Takes what is there now, at the rate that the session was started with. */
  async #reopen() {
    const dead = this.#microphone;
    if (this.#reopening || !dead) return;
    this.#reopening = true;
    this.#reopenAt = performance.now() + REOPEN_EVERY_MS;
    const fresh = await openMicrophone(this.#listeners, dead.sampleRate).catch(() => null);
    this.#reopening = false;
    if (!fresh) return;
    if (this.#microphone !== dead || fresh.sampleRate !== dead.sampleRate) return fresh.stop();
    dead.stop();
    fresh.mute(this.#muted);
    this.#microphone = fresh;
    this.#listeners.onSilent(false);
  }
}

/** @param {Int16Array} pcm @returns {number} 0..1 */
function levelOf(pcm) {
  const power = pcm.reduce((sum, sample) => sum + sample * sample, 0) / pcm.length / 2 ** 30;
  const dbfs = 10 * Math.log10(power + 1e-12);
  return Math.min(1, Math.max(0, (dbfs - LEVEL_EMPTY) / (LEVEL_FULL - LEVEL_EMPTY)));
}
