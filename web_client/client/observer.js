/** A doctor's view of one session for any page: the connection behind one object, with nothing to see. */

import { ObserverProtocol } from '../protocol/observer.js';
import { Connection, socketUrl } from '../transport/connection.js';
import { sendHeard } from '../transport/heard.js';
import { told } from './client-state.js';
import { Emitter } from './emitter.js';

/**
 * @import { ClientMessage } from '../protocol/effects.js'
 * @import { ObserverState } from '../protocol/observer.js'
 * @import { ServerMessage } from '../protocol/types.js'
 * @import { HeardOutcome } from '../transport/heard.js'
 * @import { ToldFailure } from './client-state.js'
 *
 * @typedef {{session: string, server?: string | null, token?: string | null,
 *   tokenProvider?: () => Promise<string>}} WatchOptions `session`: its id. `server`: base URL, the page's own if
 *   absent. `token`: the `observe_token`, or one that may ask the patient (`nudge`). `tokenProvider`: asked for one
 *   before each socket is opened
 * @typedef {Exclude<ObserverState, {kind: 'failed'}> | {kind: 'failed', failure: ToldFailure}} WatchState
 *   `connecting`: also while the patient has not come yet (`notBegun`). `ended`: the session is over
 * @typedef {{state: WatchState, message: ServerMessage}} WatchEvents `message`: each of the server's; first `snapshot`,
 *   also after a line that broke. A `Meter` makes a reading of them
 */

/** Listen with `on`, then call `start`. It can never slow the patient down. */
export class TingqingObserver {
  /** @param {WatchOptions} options */
  constructor(options) {
    this.options = options;
  }

  /** Read at each `start`. @type {WatchOptions} */
  options;
  /** @type {WatchState} */
  state = { kind: 'idle' };

  #protocol = new ObserverProtocol();
  #connection = /** @type {Connection | null} */ (null);
  #events = /** @type {Emitter<WatchEvents>} */ (new Emitter());

  /**
   * @template {keyof WatchEvents} Name
   * @param {Name} name
   * @param {(given: WatchEvents[Name]) => void} listener
   * @returns {() => void} call it to stop listening
   */
  on(name, listener) {
    return this.#events.on(name, listener);
  }

  /** Whether the session is announced and its patient has not come yet. */
  get notBegun() {
    return this.#protocol.notBegun;
  }

  /** Watches, until the session is over or `stop`. */
  start() {
    if (!['idle', 'ended', 'failed'].includes(this.state.kind)) return;
    const { session, server = null, token = null, tokenProvider } = this.options;
    const protocol = new ObserverProtocol();
    const url = socketUrl(`v1/sessions/${encodeURIComponent(session)}/observe`, server);
    this.#protocol = protocol;
    this.#connection = new Connection(protocol, url, tokenProvider ?? token, (message) => {
      if (this.#protocol === protocol) this.#receive(message);
    });
    this.#connection.start();
  }

  /** Watches no more; the session goes on. */
  stop() {
    this.#connection?.stop();
    this.#connection = null;
    this.#protocol = new ObserverProtocol();
    this.#become({ kind: 'idle' });
  }

  /**
   * Asks the patient something, now. `snapshot` says whether this token may (`nudge`), and what there is to ask
   * (`sendable`). Nothing, unless `live`.
   * @param {string} id of a prompt of the session's labels
   */
  nudge(id) {
    this.#connection?.run(this.#protocol.handleSend(id));
  }

  /** This prompt is not raised by itself any more in this visit. As `nudge`. @param {string} id */
  mute(id) {
    this.#connection?.run(this.#protocol.handleMute(id));
  }

  /**
   * Whether the patient can be heard, for the server's audit.
   * @param {boolean} clear
   * @returns {Promise<HeardOutcome>} never rejects
   */
  async heard(clear) {
    const { session, server = null, token = null, tokenProvider } = this.options;
    const given = tokenProvider ? await tokenProvider().catch(() => null) : token;
    return sendHeard(session, clear, { server, token: given });
  }

  /** @param {ClientMessage} message */
  #receive(message) {
    if (message.type === 'lost') return; // of patients
    if (message.type !== 'state') this.#events.emit('message', message);
    else if (message.state.kind !== 'failed') this.#become(/** @type {WatchState} */ (message.state));
    else this.#become({ kind: 'failed', failure: told(message.state.failure) });
  }

  /** @param {WatchState} state */
  #become(state) {
    if (this.state.kind === state.kind) return;
    this.state = state;
    this.#events.emit('state', state);
  }
}
