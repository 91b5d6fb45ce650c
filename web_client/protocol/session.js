/** The patient's side of `tingqing.v1` without I/O: events go in, effects come out. */

import { Effects } from './effects.js';
import { FailureCode, failureOfClose, failureOfLine, refusalOfSession } from './failures.js';
import { isFinalClose, Line } from './line.js';
import { Repeated } from './repeated.js';
import { isSame, judgesNothing } from './session-state.js';
import { Uplink } from './uplink.js';

const CONNECT_WITHIN_MS = 20_000;
/** The server drains the last window for 5 s at most. */
const END_WITHIN_MS = 10_000;
const KEEPALIVE_EVERY_MS = 15_000;
/** How long a server that stopped is waited for. */
const RESTART_WITHIN_MS = 180_000;

/**
 * @import { KeptSession, SessionConfig, SessionState, Wish } from './session-state.js'
 * @import { Refusal, Segment, ServerMessage, SessionStarted } from './types.js'
 */

/** One session, over as many sockets as it takes. Each `handle…` method returns the effects to carry out, in order. */
export class SessionProtocol {
  /** @type {SessionState} */
  state = { kind: 'idle' };
  /** @type {SessionStarted | null} */
  session = null;

  /**
   * @param {SessionConfig} config
   * @param {() => number} [random]
   * @param {KeptSession | null} [kept] of this page before it was reloaded
   */
  constructor(config, random = Math.random, kept = null) {
    this.#config = config;
    this.#kept = kept;
    this.#uplink = new Uplink(config.sampleRate, kept?.samples, kept?.acknowledged);
    this.#line = new Line(random);
    this.#effects = new Effects(config.encoding);
  }

  #config;
  #kept;
  #uplink;
  #line;
  #wish = /** @type {Wish} */ ('speak');
  #repeated = new Repeated();
  #refusal = /** @type {Refusal | null} */ (null);
  #keptAliveAt = 0;
  #restarting = false;
  #effects;

  /** For a page that may be reloaded. @returns {KeptSession | null} */
  get kept() {
    if (this.#isOver() || this.#wish === 'end') return null;
    if (!this.session) return this.#kept;
    const { session_id, resume_token, limits } = this.session;
    return { session_id, resume_token, ...this.#uplink.progress, ttl_s: limits.resume_ttl_s };
  }

  /** First call. @param {number} now */
  handleStart(now) {
    this.#enter({ kind: 'connecting' });
    this.#line.want(now, now + CONNECT_WITHIN_MS);
    this.#effects.add({ do: 'open' });
    return this.#effects.take();
  }

  /** The socket is open. @param {number} now */
  handleOpen(now) {
    this.#line.opened(now);
    this.#refusal = null;
    const { sampleRate, encoding = 'pcm_s16le', ...rest } = this.#config;
    const known = this.session ?? this.#kept;
    const resume = known && { resume: { session_id: known.session_id, resume_token: known.resume_token } };
    const audio = { encoding, sample_rate: sampleRate };
    this.#effects.say({ type: 'session.start', audio, ...rest, ...resume });
    return this.#effects.take();
  }

  /** Call it also while there is no connection. @param {Int16Array} pcm */
  handleAudio(pcm) {
    if (this.#wish !== 'speak') return [];
    this.#uplink.append(pcm);
    this.#pump();
    return this.#effects.take();
  }

  /** @param {string} text @param {number} now */
  handleMessage(text, now) {
    this.#line.heard(now);
    const message = /** @type {ServerMessage} */ (JSON.parse(text));
    switch (message.type) {
      case 'session.started':
        this.#started(message, now);
        break;
      case 'audio.ack':
        this.#uplink.acknowledge(message.samples);
        this.#pump();
        break;
      case 'error':
        this.#refusal = refusalOfSession(message.error, Boolean(this.session ?? this.#kept));
        break;
      case 'go_away': // another process can go on at once; who has said all waits here for the result
        this.#restarting = true;
        if (message.resumable && this.#isOnLine() && !(this.state.kind === 'ending' && this.state.said)) {
          this.#effects.add({ do: 'close' });
          this.#lost(now);
        }
        break;
      case 'session.ended':
        if (message.reason === 'drain' && this.#wish !== 'end') this.#beginAnew(now);
        else this.#finish({ kind: 'ended', reason: message.reason, result: message.result });
        break;
      default: // Only the meter reads the others.
    }
    this.#effects.add({ do: 'emit', message });
    return this.#effects.take();
  }

  /** The socket was closed by the other side or by the network. @param {number} code @param {number} now */
  handleClose(code, now) {
    if (this.#isOver()) return [];
    if (!isFinalClose(code)) this.#lost(now);
    else if (this.#wish === 'end') this.#finish({ kind: 'ended', reason: 'client', result: null });
    else this.#finish({ kind: 'failed', failure: failureOfClose(this.#refusal, code) });
    return this.#effects.take();
  }

  /** Call several times a second. @param {number} now */
  handleTick(now) {
    if (this.#isOver()) return [];
    const state = this.state;
    if (state.kind === 'ending' && now - state.since > END_WITHIN_MS) {
      this.#finish({ kind: 'ended', reason: 'client', result: null });
      return this.#effects.take();
    }
    const advice = this.#line.tick(now);
    if (advice === 'open') {
      this.#effects.add({ do: 'open' });
    } else if (advice === 'give up') {
      this.#finish({ kind: 'failed', failure: failureOfLine(this.#refusal, this.session !== null) });
    } else if (advice === 'dead') {
      this.#effects.add({ do: 'close' });
      this.#lost(now);
    } else if (state.kind === 'paused' && now - this.#keptAliveAt > KEEPALIVE_EVERY_MS) {
      this.#keptAliveAt = now;
      this.#effects.say({ type: 'keepalive' });
    }
    return this.#effects.take();
  }

  /** Until `handleResume`, sound is neither sent nor kept. */
  handlePause() {
    if (this.#wish === 'speak') this.#wish = 'pause';
    if (this.state.kind === 'live') this.#pause();
    return this.#effects.take();
  }

  handleResume() {
    if (this.#wish === 'pause') this.#wish = 'speak';
    if (this.state.kind === 'paused') {
      this.#effects.say({ type: 'audio.resume' });
      this.#enter({ kind: 'live' });
      this.#pump();
    }
    return this.#effects.take();
  }

  /** The far end (the doctor, from the call's remote track) starts or stops speaking. @param {boolean} speaking */
  handleFarEnd(speaking) {
    this.#uplink.markFarEnd(speaking);
    this.#pump();
    return this.#effects.take();
  }

  /** Other labels from now on, in a session that takes the place of this one too. @param {string} labels */
  handleLabels(labels) {
    this.#config = { ...this.#config, labels };
    if (this.#isOnLine()) this.#effects.say({ type: 'labels.update', labels });
    return this.#effects.take();
  }

  /** "Not now", in a session that takes the place of this one too. @param {string} id */
  handleSnooze(id) {
    this.#repeated.snooze(id);
    if (this.#isOnLine()) this.#effects.say({ type: 'prompt.snooze', id });
    return this.#effects.take();
  }

  /** What was said, by a recogniser of the page's. While off line it waits. @param {Segment[]} segments at most 100 */
  handleTranscript(segments) {
    this.#repeated.say(segments, this.#isOnLine());
    if (this.#isOnLine()) this.#effects.say({ type: 'transcript', segments });
    return this.#effects.take();
  }

  /** The patient has finished. Sound that still waits is sent first. @param {number} now */
  handleEnd(now) {
    if (this.#isOver() || this.#wish === 'end') return [];
    this.#wish = 'end';
    if (!this.session) this.#finish({ kind: 'ended', reason: 'client', result: null });
    else if (this.#isOnLine()) this.#end(now);
    return this.#effects.take();
  }

  /** @param {SessionStarted} message @param {number} now */
  #started(message, now) {
    this.session = message;
    this.#kept = null;
    this.#restarting = false;
    this.#line.answered();
    this.#uplink.rewind(message.next_sample);
    this.#keptAliveAt = now;
    if (judgesNothing(message)) {
      this.#effects.say({ type: 'session.end' });
      this.#finish({ kind: 'failed', failure: { code: FailureCode.INVALID_LABELS, detail: 'nothing_judged' } });
      return;
    }
    for (const repeated of this.#repeated.messages()) this.#effects.say(repeated);
    if (this.#wish === 'end') {
      this.#end(now);
      return;
    }
    this.#enter({ kind: 'live' });
    this.#pump();
    if (this.#wish === 'pause') this.#pause();
  }

  #pause() {
    this.#effects.say({ type: 'audio.pause' });
    this.#enter({ kind: 'paused' });
  }

  /** @param {number} now */
  #end(now) {
    this.#enter({ kind: 'ending', since: now, said: false });
    this.#pump();
  }

  /** Sends what is due, as far as the server keeps up, and reports a gap where sound is no longer held. */
  #pump() {
    if (!this.#isOnLine() || this.state.kind === 'paused') return;
    for (const piece of this.#uplink.take()) this.#effects.addPiece(piece);
    if (this.state.kind === 'ending' && !this.state.said && this.#uplink.isEmpty) {
      this.state.said = true;
      this.#effects.say({ type: 'session.end' });
    }
  }

  /** @param {number} now */
  #lost(now) {
    const wait = { atLeastMs: 1000 * (this.#refusal?.retry_after_s ?? 0) };
    const giveUpAt = this.session ? { giveUpAt: now + 1000 * this.session.limits.resume_ttl_s } : {};
    this.#line.lost(now, { ...wait, ...giveUpAt });
    if (this.session || this.#restarting) {
      this.#enter({ kind: 'reconnecting', why: this.#restarting ? 'restart' : 'line' });
    }
  }

  /**
   * The server stops and no other can go on with this session: a new one takes its place as soon as one answers. What
   * is said meanwhile waits here.
   * @param {number} now
   */
  #beginAnew(now) {
    this.session = null;
    this.#restarting = true;
    this.#uplink = new Uplink(this.#config.sampleRate);
    this.#repeated.beginAnew();
    this.#effects.add({ do: 'close' });
    this.#line.answered();
    this.#line.lost(now, { giveUpAt: now + RESTART_WITHIN_MS });
    this.#enter({ kind: 'reconnecting', why: 'restart' });
  }

  /** @param {SessionState} state */
  #finish(state) {
    this.#line.down();
    this.#effects.add({ do: 'close' });
    this.#enter(state);
  }

  #isOnLine() {
    return ['live', 'paused', 'ending'].includes(this.state.kind);
  }

  #isOver() {
    return ['ended', 'failed'].includes(this.state.kind);
  }

  /** @param {SessionState} state */
  #enter(state) {
    if (this.#isOver()) throw new Error(`a session that is over cannot become ${state.kind}`);
    if (isSame(this.state, state)) return;
    this.state = state;
    this.#effects.add({ do: 'emit', message: { type: 'state', state } });
  }
}
