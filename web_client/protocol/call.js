/** One side of a call, as far as the server knows of it: who is there, what the browsers tell each other. No I/O. */

import { FailureCode, failureOfClose } from './failures.js';
import { isFinalClose, Line } from './line.js';

/**
 * @import { Effect } from './effects.js'
 * @import { Failure } from './failures.js'
 * @import { CallJoined, CallPeer, CallRole, CallServerMessage, IceServer, Refusal, Signal } from './types.js'
 *
 * @typedef {{kind: 'idle'} | {kind: 'connecting'} | {kind: 'waiting', left: boolean} | {kind: 'together'}
 *   | {kind: 'reconnecting'} | {kind: 'ended'} | {kind: 'failed', failure: Failure}} CallLineState
 *   `waiting`: for the other side, who has `left` or has not come yet
 * @typedef {{type: 'state', state: CallLineState}
 *   | {type: 'met', role: CallRole, meeting: number, iceServers: IceServer[]} | {type: 'parted'}
 *   | {type: 'signal', signal: Signal}} CallNews
 *   `met`: begin anew with the other browser. `parted`: it has gone
 */

const GIVE_UP_AFTER_MS = 5 * 60_000;
/** The server closes a socket that says nothing for a minute. */
const KEEP_ALIVE_MS = 15_000;

/** Each `handle…` method returns the effects to carry out, in order. */
export class CallProtocol {
  /** @type {CallLineState} */
  state = { kind: 'idle' };
  /** Of the patient, to come back with after a reload; secret. Empty of a doctor. */
  seat;
  /** By the token. @type {CallRole | null} */
  role = null;

  /** @param {{seat?: string, random?: () => number}} [options] */
  constructor({ seat = '', random = Math.random } = {}) {
    this.seat = seat;
    this.#line = new Line(random);
  }

  #line;
  #meeting = 0;
  /** Whether the other side hung up: our own line may break and come back after that. */
  #left = false;
  #saidAt = 0;
  #iceServers = /** @type {IceServer[]} */ ([]);
  #refusal = /** @type {Refusal | null} */ (null);
  #effects = /** @type {Effect<CallNews>[]} */ ([]);

  /** First call. @param {number} now */
  handleStart(now) {
    this.#enter({ kind: 'connecting' });
    this.#line.want(now, now + GIVE_UP_AFTER_MS);
    this.#effects.push({ do: 'open' });
    return this.#take();
  }

  /** @param {number} now */
  handleOpen(now) {
    this.#line.opened(now);
    this.#refusal = null;
    this.#say(now, { type: 'call.join', ...(this.seat && { seat: this.seat }) });
    return this.#take();
  }

  /** @param {string} text @param {number} now */
  handleMessage(text, now) {
    this.#line.heard(now);
    const message = /** @type {CallServerMessage} */ (JSON.parse(text));
    if (message.type === 'error') this.#refusal = message.error;
    if (message.type === 'call.joined') this.#joined(message);
    if (message.type === 'call.peer') this.#peer(message);
    if (message.type === 'call.signal' && message.meeting === this.#meeting) {
      this.#tell({ type: 'signal', signal: message.signal });
    }
    return this.#take();
  }

  /** To the other browser, if it is the one that was met last. @param {Signal} signal @param {number} now */
  handleSignal(signal, now) {
    if (this.state.kind === 'together') this.#say(now, { type: 'call.signal', meeting: this.#meeting, signal });
    return this.#take();
  }

  /** Hangs up. @param {number} now */
  handleLeave(now) {
    if (this.#isOver()) return [];
    this.#say(now, { type: 'call.leave' });
    this.#finish({ kind: 'ended' });
    return this.#take();
  }

  /** @param {number} code @param {number} now */
  handleClose(code, now) {
    if (this.#isOver()) return [];
    if (!isFinalClose(code)) this.#lost(now);
    else if (code === 1000) this.#finish({ kind: 'ended' });
    else this.#finish({ kind: 'failed', failure: failureOfClose(this.#refusal, code) });
    return this.#take();
  }

  /** Call several times a second. @param {number} now */
  handleTick(now) {
    if (this.#isOver()) return [];
    const advice = this.#line.tick(now);
    if (advice === 'open') this.#effects.push({ do: 'open' });
    if (advice === 'give up') this.#finish({ kind: 'failed', failure: { code: FailureCode.UNREACHABLE, detail: '' } });
    if (advice === 'dead') {
      this.#effects.push({ do: 'close' });
      this.#lost(now);
    }
    const open = this.state.kind === 'waiting' || this.state.kind === 'together';
    if (open && now - this.#saidAt >= KEEP_ALIVE_MS) this.#say(now, { type: 'keepalive' });
    return this.#take();
  }

  /** @param {CallJoined} message */
  #joined({ role, seat, present, meeting, ice_servers: iceServers }) {
    this.#line.answered();
    this.role = role;
    this.seat = seat;
    this.#iceServers = iceServers;
    this.#tell({ type: 'parted' });
    if (present) this.#meet(meeting);
    else this.#enter({ kind: 'waiting', left: this.#left });
  }

  /** @param {CallPeer} message */
  #peer({ present, meeting, left = false }) {
    if (present) {
      this.#meet(meeting);
      return;
    }
    this.#left = left;
    this.#tell({ type: 'parted' });
    this.#enter({ kind: 'waiting', left });
  }

  /** @param {number} meeting */
  #meet(meeting) {
    this.#meeting = meeting;
    this.#left = false;
    this.#enter({ kind: 'together' });
    if (this.role) this.#tell({ type: 'met', role: this.role, meeting, iceServers: this.#iceServers });
  }

  /** @param {number} now */
  #lost(now) {
    this.#line.lost(now, { giveUpAt: now + GIVE_UP_AFTER_MS, atLeastMs: 1000 * (this.#refusal?.retry_after_s ?? 0) });
    if (this.state.kind !== 'connecting') this.#enter({ kind: 'reconnecting' });
  }

  #isOver() {
    return this.state.kind === 'ended' || this.state.kind === 'failed';
  }

  /** @param {CallLineState} state */
  #finish(state) {
    this.#line.down();
    this.#tell({ type: 'parted' });
    this.#enter(state);
    this.#effects.push({ do: 'close' });
  }

  /** @param {number} now @param {object} message */
  #say(now, message) {
    this.#saidAt = now;
    this.#effects.push({ do: 'send', data: JSON.stringify(message) });
  }

  /** @param {CallLineState} state */
  #enter(state) {
    if (JSON.stringify(state) === JSON.stringify(this.state)) return;
    this.state = state;
    this.#tell({ type: 'state', state });
  }

  /** @param {CallNews} message */
  #tell(message) {
    this.#effects.push({ do: 'emit', message });
  }

  #take() {
    const due = this.#effects;
    this.#effects = [];
    return due;
  }
}
