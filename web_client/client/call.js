/** A call between the patient's and the doctor's page: the server brings them together, then they speak directly. */

import { CallProtocol } from '../protocol/call.js';
import { Connection, socketUrl } from '../transport/connection.js';
import { told } from './client-state.js';
import { Emitter } from './emitter.js';
import { Peer } from './peer.js';

/**
 * @import { CallLineState, CallNews } from '../protocol/call.js'
 * @import { CallRole } from '../protocol/types.js'
 * @import { ToldFailure } from './client-state.js'
 *
 * @typedef {{session: string, server?: string | null, token?: string | null, seat?: string}} CallOptions
 *   `session`: its id. `seat`: of `call.seat`, for a patient who comes back after a reload
 * @typedef {Exclude<CallLineState, {kind: 'failed'} | {kind: 'together'}> | {kind: 'finding'} | {kind: 'linked'}
 *   | {kind: 'broken'} | {kind: 'failed', failure: ToldFailure}} CallState
 *   `waiting`: for the other side. `finding`: the browsers look for a way to each other; `broken`: they found none.
 *   `linked`: both are heard
 * @typedef {{state: CallState, remote: MediaStream | null}} CallEvents
 */

/** A way that is there is found in a second or two. */
const FOUND_WITHIN_MS = 15_000;

/** Listen with `on`, then `start`. One object is one call. */
export class Call {
  /** @param {CallOptions} options */
  constructor({ session, server = null, token = null, seat = '' }) {
    this.#protocol = new CallProtocol({ seat });
    const url = socketUrl(`v1/sessions/${encodeURIComponent(session)}/call`, server);
    this.#connection = new Connection(this.#protocol, url, token, (news) => this.#hear(news));
  }

  /** @type {CallState} */
  state = { kind: 'idle' };

  #protocol;
  /** @type {Connection<CallNews>} */
  #connection;
  #events = /** @type {Emitter<CallEvents>} */ (new Emitter());
  #peer = /** @type {Peer | null} */ (null);
  #late = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  #tracks = /** @type {Set<MediaStreamTrack>} */ (new Set());

  /**
   * @template {keyof CallEvents} Name
   * @param {Name} name
   * @param {(given: CallEvents[Name]) => void} listener
   * @returns {() => void} call it to stop listening
   */
  on(name, listener) {
    return this.#events.on(name, listener);
  }

  /** By the token; null before the server has said it. @returns {CallRole | null} */
  get role() {
    return this.#protocol.role;
  }

  /** Secret: what a patient's tab keeps to come back after a reload. */
  get seat() {
    return this.#protocol.seat;
  }

  start() {
    this.#connection.start();
  }

  /** Sends this track from now on, and to whoever comes later. @param {MediaStreamTrack} track */
  add(track) {
    this.#tracks.add(track);
    this.#peer?.add(track);
  }

  /** The track itself goes on. @param {MediaStreamTrack} track */
  remove(track) {
    this.#tracks.delete(track);
    this.#peer?.remove(track);
  }

  /** Hangs up. */
  leave() {
    this.#connection.run(this.#protocol.handleLeave(performance.now()));
  }

  /** @param {CallNews} news */
  #hear(news) {
    switch (news.type) {
      case 'state':
        this.#become(stateOf(news.state));
        break;
      case 'met':
        this.#part();
        this.#peer = new Peer(news.iceServers, news.role === 'patient', {
          onSignal: (signal) => this.#connection.run(this.#protocol.handleSignal(signal, performance.now())),
          onRemote: (stream) => this.#events.emit('remote', stream),
          onLink: (kind) => this.#become({ kind }),
        });
        for (const track of this.#tracks) this.#peer.add(track);
        this.#late = setTimeout(() => {
          if (this.state.kind === 'finding') this.#become({ kind: 'broken' });
        }, FOUND_WITHIN_MS);
        break;
      case 'signal':
        this.#peer?.take(news.signal);
        break;
      case 'parted':
        this.#part();
        break;
    }
  }

  #part() {
    clearTimeout(this.#late);
    if (!this.#peer) return;
    this.#peer.close();
    this.#peer = null;
    this.#events.emit('remote', null);
  }

  /** @param {CallState} state */
  #become(state) {
    this.state = state;
    this.#events.emit('state', state);
  }
}

/** @param {CallLineState} state @returns {CallState} */
function stateOf(state) {
  if (state.kind === 'failed') return { kind: 'failed', failure: told(state.failure) };
  return state.kind === 'together' ? { kind: 'finding' } : state;
}
