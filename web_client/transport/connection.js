/** The shell around a protocol: it owns one WebSocket at a time and a clock, and carries out the effects. */

import { onBeat } from '../clock/beat.js';

/**
 * @import { ClientMessage, Effect } from '../protocol/effects.js'
 */

/**
 * What a protocol has for its shell; each call returns what is to be done. Times are in milliseconds.
 *
 * @template Message
 * @typedef {{handleStart: (now: number) => Effect<Message>[], handleOpen: (now: number) => Effect<Message>[],
 *   handleMessage: (text: string, now: number) => Effect<Message>[],
 *   handleClose: (code: number, now: number) => Effect<Message>[],
 *   handleTick: (now: number) => Effect<Message>[]}} Protocol
 */

const SUBPROTOCOL = 'tingqing.v1';

/** Of anything else `new WebSocket` would throw: a link that was copied wrongly is for the server to refuse. */
const TOKEN = /^[\w.-]+$/;

/** @template {{type: string}} [Message=ClientMessage] */
export class Connection {
  /**
   * @param {Protocol<Message>} protocol
   * @param {URL} url `ws:` or `wss:`
   * @param {string | null | (() => Promise<string>)} token for this socket, from `POST /v1/sessions`, or who is asked
   *   for one before each socket is opened; null for a server without keys
   * @param {(message: Message) => void} onMessage the server's messages and `{type: 'state', state}`
   */
  constructor(protocol, url, token, onMessage) {
    this.#protocol = protocol;
    this.#url = url;
    this.#token = token;
    this.#onMessage = onMessage;
  }

  #protocol;
  #url;
  #token;
  #onMessage;
  #asked = 0;
  #socket = /** @type {WebSocket | null} */ (null);
  #rest = () => {};

  /** Opens the connection and keeps it open. Call it once. */
  start() {
    this.#rest = onBeat(() => this.run(this.#protocol.handleTick(performance.now())));
    this.run(this.#protocol.handleStart(performance.now()));
  }

  /** Closes at once, without ending the session. */
  stop() {
    this.#rest();
    this.#drop();
  }

  /** @param {Effect<Message>[]} effects what a `handle…` of the protocol returned */
  run(effects) {
    for (const effect of effects) {
      switch (effect.do) {
        case 'open':
          this.#open();
          break;
        case 'close':
          this.#drop();
          break;
        case 'send':
          if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(effect.data);
          break;
        case 'emit':
          this.#emit(effect.message);
          break;
      }
    }
  }

  /** @param {Message} message */
  #emit(message) {
    const { state } = /** @type {{state?: {kind?: string}}} */ (message);
    if (message.type === 'state' && ['ended', 'failed'].includes(state?.kind ?? '')) this.#rest();
    this.#onMessage(message);
  }

  #open() {
    this.#drop();
    const token = this.#token;
    if (typeof token !== 'function') {
      this.#openWith(token);
      return;
    }
    const asked = (this.#asked += 1);
    // Who gives no token gives no line: the protocol tries again, and gives up in time.
    void token().then(
      (given) => {
        if (this.#asked === asked) this.#openWith(given);
      },
      () => {},
    );
  }

  /** @param {string | null} token */
  #openWith(token) {
    const bearer = token ? [`bearer.${TOKEN.test(token) ? token : 'invalid'}`] : [];
    const socket = new WebSocket(this.#url, [SUBPROTOCOL, ...bearer]);
    this.#socket = socket;
    // Listeners are added before the socket can open, and ignore sockets that are no longer in use.
    /** @param {(now: number) => Effect<Message>[]} handle */
    const ours = (handle) => {
      if (this.#socket === socket) this.run(handle(performance.now()));
    };
    socket.onmessage = ({ data }) => ours((now) => this.#protocol.handleMessage(String(data), now));
    socket.onopen = () => ours((now) => this.#protocol.handleOpen(now));
    socket.onclose = ({ code }) => ours((now) => this.#protocol.handleClose(code, now));
  }

  #drop() {
    const socket = this.#socket;
    this.#asked += 1; // a token that is on its way is for nothing
    this.#socket = null;
    socket?.close();
  }
}

/**
 * The address of a WebSocket path on the server that serves this page, or on `base`.
 * @param {string} path
 * @param {string | null} base
 * @returns {URL}
 */
export function socketUrl(path, base) {
  const url = new URL(path, new URL(base ?? '.', document.baseURI));
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url;
}
