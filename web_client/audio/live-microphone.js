/** A microphone for the length of a session: its level, whether it is silent, and a replacement when it fails. */

import { openMicrophone } from './microphone.js';

const REOPEN_EVERY_MS = 3000;
/** Ends of the level bar, dBFS. */
const [LEVEL_EMPTY, LEVEL_FULL] = [-60, -12];
/** The bar falls by this factor per chunk, so that words do not make it flicker. */
const DECAY = 0.45;

/**
 * @import { Capture } from '../protocol/types.js'
 * @import { Microphone, Wanted } from './microphone.js'
 *
 * @typedef {{kind: 'closed'} | {kind: 'open', microphone: Microphone}
 *   | {kind: 'reopening', microphone: Microphone}} MicrophoneState
 *   `reopening`: this microphone is dead or no longer wanted, and another one is being opened
 */

/** Call `open`, then `tick` several times a second, then `close`. */
export class LiveMicrophone {
  /**
   * @param {(pcm: Int16Array) => void} onPcm mono samples, 200 ms each
   * @param {() => void} onChange `silent` or `interrupted` has changed
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
      onInterrupted: (/** @type {boolean} */ interrupted) => {
        this.interrupted = interrupted;
        onChange();
      },
    };
  }

  /** Whether only zeros arrive, or nothing at all: the device is off, unplugged or revoked. */
  silent = false;
  /** Whether the system has stopped the browser's audio: a phone call, or no gesture yet. */
  interrupted = false;
  /** Level for a bar, 0..1. */
  level = 0;
  /** The page's own track, instead of one of ours. @type {MediaStreamTrack | undefined} */
  given = undefined;
  /** Hz: no more than this is handed over. @type {number | undefined} */
  highest = undefined;
  /** The device that somebody chose. @type {string | undefined} */
  deviceId = undefined;

  #listeners;
  #state = /** @type {MicrophoneState} */ ({ kind: 'closed' });
  #opening = /** @type {object | null} */ (null);
  #muted = false;
  #reopenAt = 0;

  /** @returns {boolean} */
  get isOpen() {
    return this.#state.kind !== 'closed';
  }

  get #microphone() {
    return this.#state.kind === 'closed' ? null : this.#state.microphone;
  }

  /** The device in use; empty where there is none or the browser does not say. */
  get usedDevice() {
    return this.#microphone?.deviceId ?? '';
  }

  /**
   * Raises MicrophoneError.
   * @param {number} [rate] Hz, of a session that is already running
   * @returns {Promise<{sampleRate: number, capture: Capture} | null>} null: closed while the browser was asking, and
   *   perhaps opened again; this one is let go, whatever became of it
   */
  async open(rate) {
    const opening = (this.#opening = {});
    const microphone = await openMicrophone(this.#listeners, this.#wanted(rate)).catch((error) => {
      if (this.#opening === opening) throw error;
    });
    if (!microphone || this.#opening !== opening) {
      microphone?.stop();
      return null;
    }
    this.#state = { kind: 'open', microphone };
    this.silent = this.interrupted = this.#muted = false;
    navigator.mediaDevices?.addEventListener('devicechange', this.#devicesChanged);
    return microphone;
  }

  close() {
    this.#opening = null;
    if (this.isOpen) navigator.mediaDevices?.removeEventListener('devicechange', this.#devicesChanged);
    this.#microphone?.stop();
    this.#state = { kind: 'closed' };
    this.silent = this.interrupted = false;
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
    // A given track cannot be opened anew: the page gives another one.
    if (this.silent && !this.given && this.#microphone?.isDead && now >= this.#reopenAt) void this.reopen();
  }

  #devicesChanged = () => void (this.silent && !this.given && this.reopen());

  /** @param {number} [rate] @returns {Wanted} */
  #wanted(rate) {
    return { rate, deviceId: this.deviceId, given: this.given, highest: this.highest };
  }

  /**
   * Takes `given`, `deviceId` or whatever device there is now, at the session's sample rate.
   * @returns {Promise<boolean>} false: the one before goes on. Where none is open, nothing is to be done yet
   */
  async reopen() {
    if (this.#state.kind === 'closed') return true;
    if (this.#state.kind === 'reopening') return false;
    const former = this.#state.microphone;
    /** @type {MicrophoneState} */
    const reopening = { kind: 'reopening', microphone: former };
    this.#state = reopening;
    this.#reopenAt = performance.now() + REOPEN_EVERY_MS;
    const fresh = await openMicrophone(this.#listeners, this.#wanted(former.sampleRate)).catch(() => null);
    // Closed meanwhile, and perhaps opened again: nobody wants this one.
    if (this.#state !== reopening) {
      fresh?.stop();
    } else if (fresh?.sampleRate === former.sampleRate) {
      this.#replace(former, fresh);
      return true;
    } else {
      fresh?.stop();
      this.#state = { kind: 'open', microphone: former };
    }
    return false;
  }

  /** @param {Microphone} former @param {Microphone} fresh */
  #replace(former, fresh) {
    former.stop();
    fresh.mute(this.#muted);
    this.#state = { kind: 'open', microphone: fresh };
    this.interrupted = false;
    this.#listeners.onSilent(false);
  }
}

/** @param {Int16Array} pcm @returns {number} 0..1 */
function levelOf(pcm) {
  const power = pcm.reduce((sum, sample) => sum + sample * sample, 0) / pcm.length / 2 ** 30;
  const dbfs = 10 * Math.log10(power + 1e-12);
  return Math.min(1, Math.max(0, (dbfs - LEVEL_EMPTY) / (LEVEL_FULL - LEVEL_EMPTY)));
}
