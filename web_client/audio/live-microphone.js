/** A microphone for the length of a session: its level, whether it is silent, and a replacement when it fails. */

import { openMicrophone } from './microphone.js';

const REOPEN_EVERY_MS = 3000;
/** Ends of the level bar, dBFS. */
const [LEVEL_EMPTY, LEVEL_FULL] = [-60, -12];
/** The bar falls by this factor per chunk, so that words do not make it flicker. */
const DECAY = 0.85;

/**
 * @import { Capture } from '../protocol/types.js'
 * @import { Microphone } from './microphone.js'
 *
 * @typedef {{kind: 'closed'} | {kind: 'open', microphone: Microphone}
 *   | {kind: 'reopening', microphone: Microphone}} MicrophoneState
 *   `reopening`: this microphone is dead, and another one is being opened
 */

/** Call `open`, then `tick` several times a second, then `close`. */
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

  /** Whether only zeros arrive, or nothing at all: the device is off, unplugged or revoked. */
  silent = false;
  /** Level for a bar, 0..1. */
  level = 0;

  #listeners;
  #state = /** @type {MicrophoneState} */ ({ kind: 'closed' });
  #muted = false;
  #reopenAt = 0;

  /** @returns {boolean} */
  get isOpen() {
    return this.#state.kind !== 'closed';
  }

  get #microphone() {
    return this.#state.kind === 'closed' ? null : this.#state.microphone;
  }

  /**
   * Raises MicrophoneError.
   * @returns {Promise<{sampleRate: number, capture: Capture}>}
   */
  async open() {
    const microphone = await openMicrophone(this.#listeners);
    this.#state = { kind: 'open', microphone };
    this.silent = this.#muted = false;
    navigator.mediaDevices.addEventListener('devicechange', this.#devicesChanged);
    return microphone;
  }

  close() {
    if (this.isOpen) navigator.mediaDevices.removeEventListener('devicechange', this.#devicesChanged);
    this.#microphone?.stop();
    this.#state = { kind: 'closed' };
    this.silent = false;
    this.level = 0;
  }

  /** @param {boolean} muted no sound is recorded or passed on */
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

  /** Opens whatever device there is now, at the session's sample rate. */
  async #reopen() {
    if (this.#state.kind !== 'open') return;
    const dead = this.#state.microphone;
    /** @type {MicrophoneState} */
    const reopening = { kind: 'reopening', microphone: dead };
    this.#state = reopening;
    this.#reopenAt = performance.now() + REOPEN_EVERY_MS;
    const fresh = await openMicrophone(this.#listeners, dead.sampleRate).catch(() => null);
    // Closed meanwhile, and perhaps opened again: nobody wants this one.
    if (this.#state !== reopening) {
      fresh?.stop();
    } else if (fresh?.sampleRate === dead.sampleRate) {
      this.#replace(dead, fresh);
    } else {
      fresh?.stop();
      this.#state = { kind: 'open', microphone: dead };
    }
  }

  /** @param {Microphone} dead @param {Microphone} fresh */
  #replace(dead, fresh) {
    dead.stop();
    fresh.mute(this.#muted);
    this.#state = { kind: 'open', microphone: fresh };
    this.#listeners.onSilent(false);
  }
}

/** @param {Int16Array} pcm @returns {number} 0..1 */
function levelOf(pcm) {
  const power = pcm.reduce((sum, sample) => sum + sample * sample, 0) / pcm.length / 2 ** 30;
  const dbfs = 10 * Math.log10(power + 1e-12);
  return Math.min(1, Math.max(0, (dbfs - LEVEL_EMPTY) / (LEVEL_FULL - LEVEL_EMPTY)));
}
