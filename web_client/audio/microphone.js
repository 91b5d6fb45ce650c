/** One microphone: our own without the browser's processing, or a given track. Notices silence and interruptions. */

import { onBeat } from '../clock/beat.js';
import { FailureCode } from '../protocol/failures.js';
import { MicrophoneError, microphoneError, obstacle } from './microphone-errors.js';
import { Settling } from './settling.js';

/** A quiet room never gives exact zeros for this long. A disabled, unplugged or revoked device does. */
const SILENT_AFTER_MS = 2000;
/** Beats from one look at the track to the next. */
const WATCH_EVERY = 2;
/** A phone call stops the browser's audio for longer; a hiccup does not. */
const INTERRUPTED_AFTER = 2;
/** A slow phone takes its time to start it; one that never starts it needs a gesture. */
const NOT_STARTED_AFTER = 8;
const PREFERRED_RATE = 16_000;
/** Each chunk wakes the page. The server too hears sound in blocks of this length. */
const CHUNK_S = 0.2;

/**
 * @import { Capture } from '../protocol/types.js'
 *
 * @typedef {{onPcm: (pcm: Int16Array) => void, onSilent: (silent: boolean) => void,
 *   onInterrupted: (interrupted: boolean) => void, onSpeaking?: (speaking: boolean) => void}} Listeners
 *   `onPcm`: mono, 200 ms each. `onSilent(true)`: nothing but zeros, or nothing, for 2 s.
 *   `onInterrupted(true)`: the system has stopped the browser's audio, as during a phone call. `onSpeaking`: instead of
 *   `onPcm`, where the far end is listened to
 * @typedef {{rate?: number | undefined, deviceId?: string | undefined, given?: MediaStreamTrack | undefined,
 *   highest?: number | undefined}} Wanted `rate`: Hz, of a session that is already running. `given`: the page's own
 *   track, which it also stops. `highest`: Hz; what the browser gives at more is resampled
 */

/**
 * Call it from a user gesture. Throws MicrophoneError.
 * @param {Listeners} listeners
 * @param {Wanted} [wanted]
 * @returns {Promise<Microphone>}
 */
export async function openMicrophone(listeners, wanted = {}) {
  const why = obstacle();
  if (why !== null && !(wanted.given && why === FailureCode.BROWSER_EMBEDDED)) throw new MicrophoneError(why);
  const track = wanted.given ?? (await askForTrack(wanted.deviceId));
  const { rates, highest } = ratesOf(wanted);
  let cause;
  for (const rate of rates) {
    const microphone = new Microphone(track, !wanted.given, listeners, { rate, highest });
    try {
      await microphone.start();
      return microphone;
    } catch (error) {
      cause = error;
      microphone.letGo();
    }
  }
  if (!wanted.given) track.stop();
  throw new MicrophoneError(FailureCode.BROWSER_UNSUPPORTED, cause);
}

/**
 * The rates to ask for, one after the other, and the highest that is handed over. Firefox connects a track to a context
 * of its own rate only.
 * @param {Wanted} wanted
 */
function ratesOf({ rate, highest }) {
  if (highest) return { rates: [PREFERRED_RATE, undefined], highest: rate ?? highest };
  return { rates: rate === undefined ? [PREFERRED_RATE, undefined] : [rate], highest };
}

/** @param {string} [deviceId] @returns {Promise<MediaStreamTrack>} */
async function askForTrack(deviceId) {
  const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
  const audio = deviceId ? { ...raw, deviceId: { exact: deviceId } } : raw;
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw microphoneError(error);
  }
  const [track] = stream.getAudioTracks();
  if (!track) throw new MicrophoneError(FailureCode.BROWSER_UNSUPPORTED);
  return track;
}

export class Microphone {
  /**
   * @param {MediaStreamTrack} track
   * @param {boolean} owned
   * @param {Listeners} listeners
   * @param {{rate?: number | undefined, highest?: number | undefined, gated?: boolean,
   *   chunkS?: number}} [options] Hz, Hz; whether the audio thread tells that somebody speaks, and keeps the sound;
   *   seconds
   */
  constructor(track, owned, listeners, { rate, highest, gated = false, chunkS = CHUNK_S } = {}) {
    this.#track = track;
    this.isOwn = owned;
    this.#listeners = listeners;
    this.#context = audioContext(rate);
    this.#highest = highest;
    this.#gated = gated;
    this.#chunkS = chunkS;
  }

  #track;
  #listeners;
  #context;
  #highest;
  #gated;
  #chunkS;
  #node = /** @type {AudioWorkletNode | null} */ (null);
  #rest = () => {};
  #beats = 0;
  #heardAt = performance.now();
  #silent = false;
  #muted = false;
  #stopped = 0;
  #ran = false;
  #interrupted = false;
  #settling = new Settling();

  /** Hz, of what is handed over. @returns {number} */
  get sampleRate() {
    return Math.min(this.#context.sampleRate, this.#highest ?? Infinity);
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

  /** @returns {string} empty where the browser does not say */
  get deviceId() {
    return this.#track.getSettings().deviceId ?? '';
  }

  /** Whether it gives no sound by itself any more: gone, revoked, or muted by the system (iOS, Safari). */
  get isDead() {
    return this.#track.readyState === 'ended' || this.#track.muted;
  }

  async start() {
    await this.#context.audioWorklet.addModule(workletUrl());
    const node = (this.#node = new AudioWorkletNode(this.#context, 'tingqing-capture', {
      channelCount: 1,
      channelCountMode: 'explicit',
      processorOptions: { chunkS: this.#chunkS, highest: this.#highest, gated: this.#gated },
    }));
    node.port.postMessage(this.#muted);
    node.port.onmessage = ({ data }) => this.#hear(data);
    // Some browsers do not run a node without a destination. This one puts out silence.
    const source = this.#context.createMediaStreamSource(new MediaStream([this.#track]));
    source.connect(node).connect(this.#context.destination);
    // Without a gesture, or during a phone call, the promise stays open; the watch below goes on trying.
    void this.#context.resume().catch(() => {});
    this.#rest = onBeat(() => {
      if ((this.#beats += 1) % WATCH_EVERY === 0) this.#watch();
    });
  }

  /**
   * While muted, no sound is recorded or passed on. A given track goes on, for it is the call's.
   * @param {boolean} muted
   */
  mute(muted) {
    this.#muted = muted;
    this.#node?.port.postMessage(muted);
    if (this.isOwn) this.#track.enabled = !muted;
    this.#heardAt = performance.now();
    if (!muted) this.#settling.released(this.#heardAt);
  }

  stop() {
    this.letGo();
    if (this.isOwn) this.#track.stop();
  }

  /** Stops listening; the track goes on. */
  letGo() {
    this.#rest();
    if (this.#context.state !== 'closed') void this.#context.close();
  }

  /** @param {Int16Array | boolean} chunk */
  #hear(chunk) {
    this.#ran = true;
    if (this.#muted) return;
    if (typeof chunk === 'boolean') {
      this.#heardAt = performance.now();
      if (this.#silent) this.#tell(false);
      this.#listeners.onSpeaking?.(chunk);
      return;
    }
    const pcm = this.#settling.take(chunk, performance.now());
    if (pcm.length === 0) return;
    if (pcm.some((sample) => sample !== 0)) {
      this.#heardAt = performance.now();
      if (this.#silent) this.#tell(false);
    }
    this.#listeners.onPcm(pcm);
  }

  #watch() {
    this.#watchContext();
    if (this.#muted || this.#silent || this.#stopped > 0) return;
    if (performance.now() - this.#heardAt > SILENT_AFTER_MS || this.#track.readyState === 'ended') this.#tell(true);
  }

  /** iOS interrupts a context during a call, and starts none without a gesture. Resuming a running one does nothing. */
  #watchContext() {
    if (this.#context.state === 'closed') return;
    if (this.#context.state === 'running') {
      if (this.#stopped > 0) this.#heardAt = performance.now();
      this.#stopped = 0;
      this.#ran = true;
      this.#interrupt(false);
      return;
    }
    void this.#context.resume().catch(() => {});
    this.#stopped += 1;
    if (this.#stopped >= (this.#ran ? INTERRUPTED_AFTER : NOT_STARTED_AFTER)) this.#interrupt(true);
  }

  /** @param {boolean} interrupted */
  #interrupt(interrupted) {
    if (interrupted === this.#interrupted) return;
    this.#interrupted = interrupted;
    this.#listeners.onInterrupted(interrupted);
  }

  /** @param {boolean} silent */
  #tell(silent) {
    this.#silent = silent;
    this.#listeners.onSilent(silent);
  }
}

/** @type {URL | null} */
let elsewhere = null;

/** For a bundle, which does not lie beside the worklet. @param {URL} url */
export function loadWorkletFrom(url) {
  elsewhere = url;
}

function workletUrl() {
  return elsewhere ?? new URL('./worklet.js', import.meta.url);
}

/** Call it after getUserMedia: a context made before it stays suspended. @param {number} [rate] */
export function audioContext(rate) {
  try {
    return new AudioContext(rate === undefined ? {} : { sampleRate: rate });
  } catch {
    return new AudioContext();
  }
}
