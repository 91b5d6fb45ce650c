/** What a protocol wants done. Its owner carries the effects out, in order. */

import { mulaw } from './g711.js';

/**
 * @import { ObserverState } from './observer.js'
 * @import { Encoding, SessionState } from './session-state.js'
 * @import { ServerMessage } from './types.js'
 * @import { Piece } from './uplink.js'
 *
 * @typedef {SessionState | ObserverState} ProtocolState
 * @typedef {{type: 'state', state: ProtocolState}} StateMessage
 *   not from the server: the protocol has entered this state
 * @typedef {{type: 'lost', samples: number}} LostMessage
 *   not from the server: sound that it will never hear, for the line was down for too long
 * @typedef {ServerMessage | StateMessage | LostMessage} ClientMessage
 */

/**
 * @template [Message=ClientMessage]
 * @typedef {{do: 'open'} | {do: 'close'} | {do: 'send', data: string | ArrayBuffer}
 *   | {do: 'emit', message: Message}} Effect
 *   after `close`, ignore further events of the socket
 */

/** Collects effects between two `take`s. */
export class Effects {
  /** @param {Encoding} [encoding] of the sound that is sent */
  constructor(encoding = 'pcm_s16le') {
    this.#encoding = encoding;
  }

  #encoding;
  #due = /** @type {Effect[]} */ ([]);

  /** @param {Effect} effect */
  add(effect) {
    this.#due.push(effect);
  }

  /** @param {object} message sent as JSON */
  say(message) {
    this.add({ do: 'send', data: JSON.stringify(message) });
  }

  /** @param {Piece} piece of the patient's sound */
  addPiece(piece) {
    if ('pcm' in piece) {
      this.add({ do: 'send', data: this.#encoding === 'mulaw' ? mulaw(piece.pcm).buffer : piece.pcm.buffer });
    } else if ('farEnd' in piece) {
      this.say({ type: 'far_end', speaking: piece.farEnd });
    } else {
      this.say({ type: 'audio.gap', samples: piece.gap });
      if (piece.lost > 0) this.add({ do: 'emit', message: { type: 'lost', samples: piece.lost } });
    }
  }

  /** The effects added since the last call. Each is returned once. @returns {Effect[]} */
  take() {
    const due = this.#due;
    this.#due = [];
    return due;
  }
}
