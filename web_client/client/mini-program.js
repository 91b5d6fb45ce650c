/**
 * A patient's session in a WeChat mini-program: its recorder and its socket around the protocol. Nothing of a browser
 * is used: no DOM, no timers but the given ones.
 *
 * wx: developers.weixin.qq.com, RecorderManager and SocketTask, base library 2.9 or later.
 */

import { failureSentence } from '../language/failure-strings.js';
import { FailureCode } from '../protocol/failures.js';
import { SessionProtocol } from '../protocol/session.js';
import { Emitter } from './emitter.js';
import { configOf, highestOf } from './session-config.js';

/**
 * @import { LineOption } from './session-config.js'
 * @import { Effect } from '../protocol/effects.js'
 * @import { Failure } from '../protocol/failures.js'
 * @import { SessionState } from '../protocol/session-state.js'
 * @import { ServerMessage, Text } from '../protocol/types.js'
 *
 * @typedef {{start: (options: object) => void, stop: () => void, pause: () => void, resume: () => void,
 *   onFrameRecorded: (heard: (frame: {frameBuffer: ArrayBuffer}) => void) => void,
 *   onStart: (told: () => void) => void, onStop: (told: () => void) => void,
 *   onInterruptionBegin: (told: () => void) => void, onInterruptionEnd: (told: () => void) => void,
 *   onError: (told: (error: {errMsg?: string}) => void) => void}} Recorder
 * @typedef {{send: (message: {data: string | ArrayBuffer}) => void, close: (how?: object) => void,
 *   onOpen: (told: () => void) => void, onMessage: (told: (message: {data: string | ArrayBuffer}) => void) => void,
 *   onClose: (told: (closed: {code: number}) => void) => void, onError: (told: () => void) => void}} SocketTask
 * @typedef {{getRecorderManager: () => Recorder, connectSocket: (options: object) => SocketTask}} Wx
 * @typedef {{setInterval: (act: () => void, ms: number) => unknown, clearInterval: (timer: any) => void,
 *   now: () => number}} MiniClock
 *
 * @typedef {{server: string, token?: string, labels?: string, mode?: 'visit' | 'recording', language?: string,
 *   reference?: string, line?: LineOption}} MiniProgramOptions `server`: `https://…/`, in the mini-program's list of
 *   socket domains. `line`: `full` if absent
 * @typedef {Failure & {remedy: Text}} MiniFailure
 * @typedef {{kind: 'idle'} | {kind: 'asking'} | Exclude<SessionState, {kind: 'idle'} | {kind: 'failed'}>
 *   | {kind: 'failed', failure: MiniFailure}} MiniState
 * @typedef {{state: MiniState, message: ServerMessage, lost: number}} MiniEvents as of TingqingClient
 */

/** Hz, of a full line. */
const RATE = 16_000;
/** The recorder stops by itself after ten minutes: it is begun again before, and the session waits for a moment. */
export const LONGEST_MS = 600_000;
export const AGAIN_AFTER_MS = 570_000;
const FRAME_KB = 2;
const TICK_MS = 250;
const DENIED = /auth|deny|denied|permission/i;

/** Listen with `on`, then call `start` from a tap. One object is one visit. */
export class MiniProgramClient {
  /**
   * @param {Wx} wx
   * @param {MiniProgramOptions} options
   * @param {MiniClock} [clock]
   */
  constructor(wx, options, clock = { setInterval, clearInterval, now: Date.now }) {
    this.#wx = wx;
    this.#options = options;
    this.#clock = clock;
    const { line = 'full' } = options;
    this.#rate = highestOf(line) ?? RATE;
    // The recorder does not say what the phone does to the sound: it is judged as the doctor hears it.
    const granted = { sampleRate: this.#rate, capture: { source: /** @type {const} */ ('microphone') } };
    this.#protocol = new SessionProtocol(configOf(options, line, granted));
    this.#recorder = wx.getRecorderManager();
  }

  /** @type {MiniState} */
  state = { kind: 'idle' };

  #wx;
  #options;
  #clock;
  #rate;
  #protocol;
  #recorder;
  #events = /** @type {Emitter<MiniEvents>} */ (new Emitter());
  #socket = /** @type {SocketTask | null} */ (null);
  #timer = /** @type {unknown} */ (null);
  #begunAt = 0;
  /** Whether the recorder shall run, and why it does not. */
  #paused = { byCaller: false, bySystem: false, toBeginAgain: false };
  #over = false;

  /**
   * @template {keyof MiniEvents} Name
   * @param {Name} name
   * @param {(given: MiniEvents[Name]) => void} listener
   * @returns {() => void} call it to stop listening
   */
  on(name, listener) {
    return this.#events.on(name, listener);
  }

  /** Empty before the session has begun. */
  get sessionId() {
    return this.#protocol.session?.session_id ?? '';
  }

  /** Call it once, from a tap. */
  start() {
    if (this.state.kind !== 'idle') return;
    this.#become({ kind: 'asking' });
    const recorder = this.#recorder;
    recorder.onStart(() => this.#recording());
    recorder.onFrameRecorded(({ frameBuffer }) => this.#hear(frameBuffer));
    recorder.onStop(() => this.#stopped());
    recorder.onInterruptionBegin(() => this.#interrupted(true));
    recorder.onInterruptionEnd(() => this.#interrupted(false));
    recorder.onError(({ errMsg = '' }) => this.#failed(errMsg));
    this.#record();
  }

  /** Until `resume`, no sound is recorded, kept or sent. */
  pause() {
    this.#hold('byCaller', true);
    this.#recorder.pause();
  }

  resume() {
    this.#recorder.resume();
    this.#hold('byCaller', false);
  }

  /** The patient has finished: what was said so far is still sent and judged, then the state is `ended`. */
  finish() {
    this.#letGo();
    this.#run(this.#protocol.handleEnd(this.#clock.now()));
  }

  /** "Not now": the prompt does not return in this visit. @param {string} id */
  snooze(id) {
    this.#run(this.#protocol.handleSnooze(id));
  }

  /** Whether the doctor speaks, where the page knows. @param {boolean} speaking */
  farEnd(speaking) {
    this.#run(this.#protocol.handleFarEnd(speaking));
  }

  #record() {
    const pcm = { format: 'PCM', sampleRate: this.#rate, numberOfChannels: 1, frameSize: FRAME_KB };
    this.#recorder.start({ ...pcm, duration: LONGEST_MS });
  }

  #recording() {
    this.#begunAt = this.#clock.now();
    if (this.#timer === null) {
      this.#timer = this.#clock.setInterval(() => this.#tick(), TICK_MS);
      this.#run(this.#protocol.handleStart(this.#clock.now()));
    }
    this.#hold('toBeginAgain', false);
  }

  /** @param {ArrayBuffer} frame 16-bit samples, little-endian as every phone has them */
  #hear(frame) {
    if (this.#over || this.#paused.byCaller) return;
    const whole = frame.slice(0, frame.byteLength - (frame.byteLength % 2));
    this.#run(this.#protocol.handleAudio(new Int16Array(whole)));
  }

  #tick() {
    const now = this.#clock.now();
    const { byCaller, toBeginAgain } = this.#paused;
    if (!this.#over && !byCaller && !toBeginAgain && now - this.#begunAt >= AGAIN_AFTER_MS) {
      this.#hold('toBeginAgain', true);
      this.#recorder.stop(); // and `onStop` begins again
    }
    this.#run(this.#protocol.handleTick(now));
  }

  /** Because it was to begin again, because the system stopped it, or after a pause of more than ten minutes. */
  #stopped() {
    if (this.#over) return;
    this.#hold('toBeginAgain', true);
    this.#record();
  }

  /** A phone call, or another program that records. @param {boolean} begins */
  #interrupted(begins) {
    this.#hold('bySystem', begins);
    if (!begins && !this.#paused.byCaller) this.#recorder.resume();
  }

  /**
   * While one reason holds, the session is paused.
   * @param {'byCaller' | 'bySystem' | 'toBeginAgain'} why
   * @param {boolean} holds
   */
  #hold(why, holds) {
    this.#paused[why] = holds;
    const paused = Object.values(this.#paused).some(Boolean);
    this.#run(paused ? this.#protocol.handlePause() : this.#protocol.handleResume());
  }

  /** @param {string} detail */
  #failed(detail) {
    if (this.#over) return;
    const code = DENIED.test(detail) ? FailureCode.MICROPHONE_DENIED : FailureCode.MICROPHONE_BUSY;
    this.#letGo();
    this.#drop();
    this.#become({ kind: 'failed', failure: told({ code, detail }) });
  }

  /** The recorder is stopped for good. */
  #letGo() {
    if (this.#over) return;
    this.#over = true;
    this.#recorder.stop();
  }

  /** @param {Effect[]} effects */
  #run(effects) {
    for (const effect of effects) {
      if (effect.do === 'open') this.#open();
      else if (effect.do === 'close') this.#drop();
      else if (effect.do === 'send') this.#socket?.send({ data: effect.data });
      else if (effect.message.type === 'lost') this.#events.emit('lost', effect.message.samples / this.#rate);
      else if (effect.message.type !== 'state') this.#events.emit('message', effect.message);
      else this.#moved(/** @type {SessionState} */ (effect.message.state));
    }
  }

  /** @param {SessionState} state */
  #moved(state) {
    if (state.kind === 'ended' || state.kind === 'failed') {
      this.#clock.clearInterval(this.#timer);
      this.#letGo();
    }
    if (state.kind === 'failed') this.#become({ kind: 'failed', failure: told(state.failure) });
    else this.#become(/** @type {MiniState} */ (state));
  }

  #open() {
    this.#drop();
    const { server, token } = this.#options;
    const url = `${server.replace(/^http/, 'ws').replace(/\/?$/, '/')}v1/stream`;
    const socket = this.#wx.connectSocket({ url, protocols: ['tingqing.v1', ...(token ? [`bearer.${token}`] : [])] });
    this.#socket = socket;
    /** @param {(now: number) => Effect[]} handle */
    const ours = (handle) => {
      if (this.#socket === socket) this.#run(handle(this.#clock.now()));
    };
    socket.onOpen(() => ours((now) => this.#protocol.handleOpen(now)));
    socket.onMessage(({ data }) => ours((now) => this.#protocol.handleMessage(String(data), now)));
    socket.onClose(({ code }) => ours((now) => this.#protocol.handleClose(code, now)));
    socket.onError(() => ours((now) => this.#protocol.handleClose(1006, now)));
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close({});
  }

  /** @param {MiniState} state */
  #become(state) {
    this.state = state;
    this.#events.emit('state', state);
  }
}

/** @param {Failure} failure @returns {MiniFailure} */
function told(failure) {
  const where = /** @type {const} */ ({ browser: 'wechat' });
  const remedy = { zh: failureSentence(failure.code, 'zh', where), en: failureSentence(failure.code, 'en', where) };
  return { ...failure, remedy };
}
