/** One microphone without the browser's processing. Reports what the browser granted, and notices silence. */

import { FailureCode } from '../protocol/failures.js';
import { Settling } from './settling.js';

/** A quiet room never gives exact zeros for this long. A disabled, unplugged or revoked device does. */
const SILENT_AFTER_MS = 2000;
const WATCH_MS = 500;
const PREFERRED_RATE = 16_000;

/** Why no microphone could be opened. */
export class MicrophoneError extends Error {
  /** @param {FailureCode} code @param {unknown} [cause] */
  constructor(code, cause) {
    super(`microphone: ${code}`, { cause });
    this.code = code;
  }
}

/** Names of the errors of getUserMedia. @type {Readonly<Record<string, FailureCode>>} */
const CODE_OF_ERROR = {
  NotAllowedError: FailureCode.MICROPHONE_DENIED,
  SecurityError: FailureCode.MICROPHONE_DENIED,
  NotFoundError: FailureCode.MICROPHONE_NOT_FOUND,
  OverconstrainedError: FailureCode.MICROPHONE_NOT_FOUND,
  NotReadableError: FailureCode.MICROPHONE_BUSY,
  AbortError: FailureCode.MICROPHONE_BUSY,
};

/**
 * @import { Capture } from '../protocol/types.js'
 *
 * @typedef {{onPcm: (pcm: Int16Array) => void, onSilent: (silent: boolean) => void}} Listeners
 *   `onPcm`: mono, 40 ms each. `onSilent(true)`: nothing but zeros, or nothing at all, for 2 s.
 */

/**
 * Call it from a user gesture. Throws MicrophoneError.
 * @param {Listeners} listeners
 * @param {number} [rate] Hz; the rate of a session that is already running
 * @returns {Promise<Microphone>}
 */
export async function openMicrophone(listeners, rate) {
  if (!globalThis.isSecureContext || !navigator.mediaDevices) throw new MicrophoneError(FailureCode.PAGE_INSECURE);
  if (!globalThis.AudioWorkletNode) throw new MicrophoneError(FailureCode.BROWSER_UNSUPPORTED);
  const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: raw });
  } catch (error) {
    const { name = '' } = /** @type {{name?: string}} */ (error);
    throw new MicrophoneError(CODE_OF_ERROR[name] ?? FailureCode.BROWSER_UNSUPPORTED, error);
  }
  const microphone = new Microphone(stream, listeners, rate);
  try {
    await microphone.start();
  } catch (error) {
    microphone.stop();
    throw new MicrophoneError(FailureCode.BROWSER_UNSUPPORTED, error);
  }
  return microphone;
}

export class Microphone {
  /** @param {MediaStream} stream @param {Listeners} listeners @param {number} [rate] */
  constructor(stream, listeners, rate) {
    this.#stream = stream;
    this.#listeners = listeners;
    this.#track = onlyTrackOf(stream);
    this.#context = audioContext(rate);
  }

  #stream;
  #track;
  #listeners;
  #context;
  #timer = /** @type {ReturnType<typeof setInterval> | undefined} */ (undefined);
  #heardAt = performance.now();
  #silent = false;
  #muted = false;
  #settling = new Settling();

  /** Hz, as granted. @returns {number} */
  get sampleRate() {
    return this.#context.sampleRate;
  }

  /** What the browser granted, for `session.start`. @returns {Capture} */
  get capture() {
    const { echoCancellation, noiseSuppression, autoGainControl } = this.#track.getSettings();
    /** @type {Capture} */
    const granted = { source: 'microphone' };
    if (typeof echoCancellation === 'boolean') granted.echoCancellation = echoCancellation;
    if (noiseSuppression !== undefined) granted.noiseSuppression = noiseSuppression;
    if (autoGainControl !== undefined) granted.autoGainControl = autoGainControl;
    return granted;
  }

  /** Whether the device is gone, or access was revoked. @returns {boolean} */
  get isEnded() {
    return this.#track.readyState === 'ended';
  }

  async start() {
    await this.#context.audioWorklet.addModule(new URL('./worklet.js', import.meta.url));
    const node = new AudioWorkletNode(this.#context, 'tingqing-capture', {
      channelCount: 1,
      channelCountMode: 'explicit',
    });
    node.port.onmessage = ({ data }) => this.#hear(data);
    // Some browsers do not run a node without a destination. This one puts out silence.
    this.#context.createMediaStreamSource(this.#stream).connect(node).connect(this.#context.destination);
    await this.#context.resume();
    this.#timer = setInterval(() => this.#watch(), WATCH_MS);
  }

  /** While muted, no sound is recorded or passed on. @param {boolean} muted */
  mute(muted) {
    this.#muted = muted;
    this.#track.enabled = !muted;
    this.#heardAt = performance.now();
    if (!muted) this.#settling.released(this.#heardAt);
  }

  stop() {
    clearInterval(this.#timer);
    for (const track of this.#stream.getTracks()) track.stop();
    if (this.#context.state !== 'closed') void this.#context.close();
  }

  /** @param {Int16Array} chunk */
  #hear(chunk) {
    if (this.#muted) return;
    const pcm = this.#settling.take(chunk, performance.now());
    if (pcm.length === 0) return;
    if (pcm.some((sample) => sample !== 0)) {
      this.#heardAt = performance.now();
      if (this.#silent) this.#tell(false);
    }
    this.#listeners.onPcm(pcm);
  }

  #watch() {
    // iOS interrupts a context during a call. Resuming a running one does nothing.
    if (this.#context.state !== 'running' && this.#context.state !== 'closed') {
      void this.#context.resume().catch(() => {});
    }
    if (this.#muted || this.#silent) return;
    if (performance.now() - this.#heardAt > SILENT_AFTER_MS || this.isEnded) this.#tell(true);
  }

  /** @param {boolean} silent */
  #tell(silent) {
    this.#silent = silent;
    this.#listeners.onSilent(silent);
  }
}

/** @param {MediaStream} stream of getUserMedia, which gives one audio track where it was asked for one */
function onlyTrackOf(stream) {
  const [track] = stream.getAudioTracks();
  if (!track) throw new MicrophoneError(FailureCode.BROWSER_UNSUPPORTED);
  return track;
}

/** Call it after getUserMedia: a context made before it stays suspended. @param {number} [rate] */
function audioContext(rate) {
  try {
    return new AudioContext({ sampleRate: rate ?? PREFERRED_RATE });
  } catch {
    return new AudioContext();
  }
}
