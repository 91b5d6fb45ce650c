/** A patient's session for any page: microphone, connection and far end behind one object, with nothing to see. */

import { FarEndListener } from '../audio/far-end.js';
import { LiveMicrophone } from '../audio/live-microphone.js';
import { MicrophoneError } from '../audio/microphone-errors.js';
import { BEAT_MS, onBeat } from '../clock/beat.js';
import { FailureCode } from '../protocol/failures.js';
import { SessionProtocol } from '../protocol/session.js';
import { Connection, socketUrl } from '../transport/connection.js';
import { clientStateOf, told } from './client-state.js';
import { Emitter } from './emitter.js';
import { inputDevices } from './devices.js';
import { configOf, highestOf } from './session-config.js';
import { WakeLock } from './wake-lock.js';

/**
 * @import { Effect, ClientMessage } from '../protocol/effects.js'
 * @import { KeptSession } from '../protocol/session-state.js'
 * @import { Capture, Segment, ServerMessage, VoiceOf } from '../protocol/types.js'
 * @import { ClientState } from './client-state.js'
 * @import { InputDevice } from './devices.js'
 * @import { LineOption } from './session-config.js'
 *
 * @typedef {{server?: string | null, token?: string | null, tokenProvider?: () => Promise<string>,
 *   source?: MediaStream | MediaStreamTrack, farEnd?: MediaStream, labels?: string | null,
 *   mode?: 'visit' | 'recording', language?: string, reference?: string | null,
 *   keepVoice?: boolean, voiceOf?: VoiceOf | null, line?: LineOption,
 *   kept?: KeptSession & {sampleRate: number, line?: LineOption}}} ClientOptions
 *   `server`: base URL, the page's own if absent. `tokenProvider`: asked before each socket is opened; of one session,
 *   the same token each time. `source`: the call's own microphone; if absent a raw one is opened beside it. `farEnd`:
 *   the call's remote stream. `language`: BCP 47. `keepVoice`: for a visit
 *   that follows; `voiceOf`: of such a session, whose voice is the patient's. `line`: `full` if absent. `kept`: of
 *   `client.kept`, to go on after a reload, over the line that it began with
 * @typedef {{state: ClientState, message: ServerMessage, lost: number, level: number,
 *   sound: Int16Array}} ClientEvents
 *   `message`: each message of the server. `lost`: seconds of sound that never arrived, for the line was down for too
 *   long. `level`: of the microphone, 0..1, 5 times a second. `sound`: what the microphone gave then, mono
 */

/** Listen with `on`, then call `start` from a user gesture. One object is one visit; it may be started again. */
export class TingqingClient {
  /** @param {ClientOptions} [options] */
  constructor(options = {}) {
    this.options = options;
  }

  /** Read at each `start`. @type {ClientOptions} */
  options;
  /** @type {ClientState} */
  state = { kind: 'idle' };

  #events = /** @type {Emitter<ClientEvents>} */ (new Emitter());
  #protocol = /** @type {SessionProtocol | null} */ (null);
  #connection = /** @type {Connection | null} */ (null);
  #rest = () => {};
  #ticked = 0;
  #pausedByCaller = false;
  #wakeLock = new WakeLock();
  #microphone = new LiveMicrophone(
    (pcm) => this.#hear(pcm),
    () => this.#microphoneChanged(),
  );
  #farEnd = new FarEndListener((speaking) => this.farEnd(speaking));

  /**
   * @template {keyof ClientEvents} Name
   * @param {Name} name
   * @param {(given: ClientEvents[Name]) => void} listener
   * @returns {() => void} call it to stop listening
   */
  on(name, listener) {
    return this.#events.on(name, listener);
  }

  /** Where the sound comes from: the page's own track, or a microphone that was opened beside it. */
  get capturedFrom() {
    return this.options.source ? 'given' : 'own';
  }

  /** Hz, as sent; 0 before the session has begun. */
  get sampleRate() {
    return this.#sampleRate;
  }

  /** Empty before the session has begun. */
  get sessionId() {
    return this.#protocol?.session?.session_id ?? '';
  }

  /** The microphone's level, 0..1. */
  get level() {
    return this.#microphone.level;
  }

  /**
   * What a page keeps, such as in `sessionStorage`, to go on after a reload. Secret.
   * @returns {ClientOptions['kept']}
   */
  get kept() {
    const kept = this.#protocol?.kept;
    return kept ? { ...kept, sampleRate: this.#sampleRate, line: this.#line } : undefined;
  }

  #sampleRate = 0;
  #line = /** @type {LineOption} */ ('full');

  /** Asks for the microphone and begins; resolves once the session is on its way or has failed. Never rejects. */
  async start() {
    if (!['idle', 'ended', 'failed'].includes(this.state.kind)) return;
    this.#become({ kind: 'asking' });
    this.#pausedByCaller = false;
    const { source, kept, line = 'full' } = this.options;
    this.#line = kept ? (kept.line ?? 'full') : line;
    this.#microphone.given = trackOf(source);
    this.#microphone.highest = highestOf(this.#line);
    try {
      const granted = await this.#microphone.open(kept?.sampleRate);
      if (granted) this.#begin(granted); // else stopped while the browser was asking
    } catch (error) {
      const code = error instanceof MicrophoneError ? error.code : FailureCode.UNEXPECTED;
      this.#become({ kind: 'failed', failure: told({ code, detail: String(error) }) });
    }
  }

  /** Until `resume`, no sound is recorded, kept or sent. */
  pause() {
    this.#pausedByCaller = true;
    this.#microphone.mute(true);
    this.#do((protocol) => protocol.handlePause());
  }

  resume() {
    this.#pausedByCaller = false;
    this.#microphone.mute(false);
    if (!this.#microphone.interrupted) this.#do((protocol) => protocol.handleResume());
  }

  /** The patient has finished: what was said so far is still sent and judged, then the state is `ended`. */
  finish() {
    if (this.state.kind === 'asking') return this.stop(); // nothing was said
    this.#microphone.close();
    this.#do((protocol) => protocol.handleEnd(performance.now()));
  }

  /** Lets go at once, without ending the session: who comes back in time goes on. */
  stop() {
    this.#rest();
    this.#connection?.stop();
    this.#connection = this.#protocol = null;
    this.#letGo();
    this.#become({ kind: 'idle' });
  }

  /** @returns {Promise<InputDevice[]>} names are empty until the microphone was allowed once */
  devices() {
    return inputDevices(this.#microphone.usedDevice);
  }

  /**
   * Another microphone, now and from now on.
   * @param {string} deviceId
   * @returns {Promise<boolean>} false: it could not be opened, and the one before goes on
   */
  setDevice(deviceId) {
    this.#microphone.deviceId = deviceId;
    return this.#microphone.reopen();
  }

  /**
   * Another track of the call, such as after its device was changed.
   * @param {MediaStream | MediaStreamTrack} source
   * @returns {Promise<boolean>} as of `setDevice`
   */
  setSource(source) {
    this.options = { ...this.options, source };
    this.#microphone.given = trackOf(source);
    return this.#microphone.reopen();
  }

  /** "Not now": the prompt does not return in this visit. @param {string} id */
  snooze(id) {
    this.#do((protocol) => protocol.handleSnooze(id));
  }

  /** Other labels from the next score on. @param {string} labels as everywhere */
  updateLabels(labels) {
    this.options = { ...this.options, labels };
    this.#do((protocol) => protocol.handleLabels(labels));
  }

  /** What the page's own recogniser heard. @param {Segment[]} segments at most 100; they wait while the line is down */
  transcript(segments) {
    this.#do((protocol) => protocol.handleTranscript(segments));
  }

  /**
   * The doctor: the call's remote stream, which is listened to from now on, or whether they speak, where the page
   * knows.
   * @param {MediaStream | boolean} heard
   */
  farEnd(heard) {
    if (typeof heard === 'boolean') this.#do((protocol) => protocol.handleFarEnd(heard));
    else void this.#farEnd.listen(heard);
  }

  /** @param {{sampleRate: number, capture: Capture}} granted */
  #begin(granted) {
    const { sampleRate } = granted;
    const { server = null, token = null, tokenProvider, kept } = this.options;
    this.#sampleRate = sampleRate;
    const resumed = kept?.sampleRate === sampleRate ? kept : null;
    const config = configOf(this.options, this.#line, granted);
    const protocol = new SessionProtocol(config, Math.random, resumed);
    delete this.options.kept; // of one session only
    this.#protocol = protocol;
    const url = socketUrl('v1/stream', server);
    this.#connection = new Connection(protocol, url, tokenProvider ?? token, (message) => {
      if (this.#protocol === protocol) this.#receive(message);
    });
    this.#rest = onBeat(() => this.#microphone.tick(performance.now()));
    this.#wakeLock.hold();
    if (this.options.farEnd) this.farEnd(this.options.farEnd);
    this.#connection.start();
  }

  /** @param {Int16Array} pcm */
  #hear(pcm) {
    const now = performance.now();
    // A tab in the background has slow timers; its sound comes in time.
    if (now - this.#ticked >= BEAT_MS) {
      this.#ticked = now;
      this.#act((protocol) => protocol.handleTick(now));
    }
    this.#act((protocol) => protocol.handleAudio(pcm));
    this.#events.emit('level', this.#microphone.level);
    this.#events.emit('sound', pcm);
  }

  #microphoneChanged() {
    if (!this.#pausedByCaller) {
      this.#act((protocol) => (this.#microphone.interrupted ? protocol.handlePause() : protocol.handleResume()));
    }
    this.#update();
  }

  /** @param {ClientMessage} message */
  #receive(message) {
    if (message.type === 'lost') this.#events.emit('lost', message.samples / this.#sampleRate);
    else if (message.type !== 'state') this.#events.emit('message', message);
    else if (message.state.kind === 'ended' || message.state.kind === 'failed') this.#letGo();
    this.#update();
  }

  #letGo() {
    this.#rest();
    this.#microphone.close();
    this.#farEnd.stop();
    this.#wakeLock.letGo();
  }

  /** @param {(protocol: SessionProtocol) => Effect[]} act */
  #do(act) {
    this.#act(act);
    this.#update();
  }

  /** @param {(protocol: SessionProtocol) => Effect[]} act nothing where no session has begun */
  #act(act) {
    if (this.#protocol && this.#connection) this.#connection.run(act(this.#protocol));
  }

  #update() {
    if (this.#protocol) this.#become(clientStateOf(this.#protocol.state, this.#microphone));
  }

  /** @param {ClientState} state */
  #become(state) {
    const same = JSON.stringify(shownOf(state)) === JSON.stringify(shownOf(this.state));
    this.state = state;
    if (!same) this.#events.emit('state', state);
  }
}

/** A state without its result, which may be long. @param {ClientState} state */
function shownOf(state) {
  return state.kind === 'ended' ? { kind: state.kind, reason: state.reason } : state;
}

/** @param {MediaStream | MediaStreamTrack | undefined} source */
function trackOf(source) {
  return source instanceof MediaStream ? source.getAudioTracks()[0] : source;
}
