/** What a protocol wants done. Its owner carries the effects out, in order. */

/**
 * @import { ObserverState } from './observer.js'
 * @import { SessionState } from './session.js'
 * @import { ServerMessage } from './types.js'
 *
 * @typedef {SessionState | ObserverState} ProtocolState
 * @typedef {{type: 'state', state: ProtocolState}} StateMessage
 *   not from the server: the protocol has entered this state
 * @typedef {ServerMessage | StateMessage} ClientMessage
 * @typedef {{do: 'open'} | {do: 'close'} | {do: 'send', data: string | ArrayBuffer}
 *   | {do: 'emit', message: ClientMessage}} Effect
 *   after `close`, ignore further events of the socket
 */

/** Collects effects between two `take`s. */
export class Effects {
  #due = /** @type {Effect[]} */ ([]);

  /** @param {Effect} effect */
  add(effect) {
    this.#due.push(effect);
  }

  /** @param {object} message sent as JSON */
  say(message) {
    this.add({ do: 'send', data: JSON.stringify(message) });
  }

  /** The effects added since the last call. Each is returned once. @returns {Effect[]} */
  take() {
    const due = this.#due;
    this.#due = [];
    return due;
  }
}
