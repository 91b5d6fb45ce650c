/** One microphone, raw: the browser's processing is asked off, what it granted is reported, and silence is noticed. */

/** Exact zeros for so long are no quiet room: a disabled, unplugged or revoked device sends them. */
const SILENT_AFTER_MS = 2000;
const WATCH_MS = 500;
const PREFERRED_RATE = 16_000;

/** @typedef {'denied' | 'not_found' | 'busy' | 'insecure' | 'unsupported'} MicrophoneFault */

export class MicrophoneError extends Error {
  /** @param {MicrophoneFault} reason @param {unknown} [cause] */
  constructor(reason, cause) {
    super(`microphone: ${reason}`, { cause });
    this.reason = reason;
  }
}

const FAULTS = /** @type {Record<string, MicrophoneFault>} */ ({
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'not_found',
  OverconstrainedError: 'not_found',
  NotReadableError: 'busy',
  AbortError: 'busy',
});

/**
 * @typedef {{onPcm: (pcm: Int16Array) => void, onSilent: (silent: boolean) => void}} Listeners
 *   `onPcm`: mono, 40 ms each. `onSilent(true)`: nothing but zeros, or nothing at all, for 2 s.
 */

/**
 * Call from a user's gesture. Raises MicrophoneError.
 * @param {Listeners} listeners
 * @param {number} [rate] Hz; where a session already runs, its rate
 * @returns {Promise<Microphone>}
 */
export async function openMicrophone(listeners, rate) {
  if (!globalThis.isSecureContext || !navigator.mediaDevices) throw new MicrophoneError('insecure');
  if (!globalThis.AudioWorkletNode) throw new MicrophoneError('unsupported');
  const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: raw });
  } catch (error) {
    throw new MicrophoneError(FAULTS[/** @type {Error} */ (error).name] ?? 'unsupported', error);
  }
  const microphone = new Microphone(stream, listeners, rate);
  try {
    await microphone.start();
  } catch (error) {
    microphone.stop();
    throw new MicrophoneError('unsupported', error);
  }
  return microphone;
}

export class Microphone {
  /** @param {MediaStream} stream @param {Listeners} listeners @param {number} [rate] */
  constructor(stream, listeners, rate) {
    this.#stream = stream;
    this.#listeners = listeners;
    this.#context = audioContext(rate);
  }

  #stream;
  #listeners;
  #context;
  #timer = 0;
  #heardAt = performance.now();
  #silent = false;
  #muted = false;

  /** Hz, as it really is. @returns {number} */
  get sampleRate() {
    return this.#context.sampleRate;
  }

  /** What the browser granted, for `session.start`. @returns {import('../protocol/types.js').Capture} */
  get capture() {
    const { echoCancellation, noiseSuppression, autoGainControl } = this.#track.getSettings();
    /** @type {import('../protocol/types.js').Capture} */
    const granted = { source: 'microphone' };
    if (typeof echoCancellation === 'boolean') granted.echoCancellation = echoCancellation;
    if (noiseSuppression !== undefined) granted.noiseSuppression = noiseSuppression;
    if (autoGainControl !== undefined) granted.autoGainControl = autoGainControl;
    return granted;
  }

  /** The device is gone or was taken away for good. @returns {boolean} */
  get isEnded() {
    return this.#track.readyState === 'ended';
  }

  get #track() {
    return this.#stream.getAudioTracks()[0];
  }

  async start() {
    await this.#context.audioWorklet.addModule(new URL('./worklet.js', import.meta.url));
    const node = new AudioWorkletNode(this.#context, 'tingqing-capture', {
      channelCount: 1,
      channelCountMode: 'explicit',
    });
    node.port.onmessage = ({ data }) => this.#hear(data);
    // A node that leads nowhere is not run by every browser; ours puts out silence.
    this.#context.createMediaStreamSource(this.#stream).connect(node).connect(this.#context.destination);
    await this.#context.resume();
    this.#timer = setInterval(() => this.#watch(), WATCH_MS);
  }

  /** While muted nothing is heard or given out. @param {boolean} muted */
  mute(muted) {
    this.#muted = muted;
    this.#track.enabled = !muted;
    this.#heardAt = performance.now();
  }

  stop() {
    clearInterval(this.#timer);
    for (const track of this.#stream.getTracks()) track.stop();
    if (this.#context.state !== 'closed') void this.#context.close();
  }

  /** @param {Int16Array} pcm */
  #hear(pcm) {
    if (this.#muted) return;
    if (pcm.some((sample) => sample !== 0)) {
      this.#heardAt = performance.now();
      if (this.#silent) this.#tell(false);
    }
    this.#listeners.onPcm(pcm);
  }

  #watch() {
    // iOS interrupts a context for a call; resuming one that runs does nothing.
    if (this.#context.state !== 'running' && this.#context.state !== 'closed')
      void this.#context.resume().catch(() => {});
    if (this.#muted || this.#silent) return;
    if (performance.now() - this.#heardAt > SILENT_AFTER_MS || this.isEnded) this.#tell(true);
  }

  /** @param {boolean} silent */
  #tell(silent) {
    this.#silent = silent;
    this.#listeners.onSilent(silent);
  }
}

/** Made after getUserMedia: one made before it stays suspended. @param {number} [rate] */
function audioContext(rate) {
  try {
    return new AudioContext({ sampleRate: rate ?? PREFERRED_RATE });
  } catch {
    return new AudioContext();
  }
}
