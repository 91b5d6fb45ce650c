/** The shell around a protocol: one WebSocket at a time, a clock, and the effects carried out. */

const SUBPROTOCOL = 'tingqing.v1';
const TICK_MS = 250;

/**
 * @typedef {import('../protocol/session.js').SessionProtocol | import('../protocol/observer.js').ObserverProtocol} Protocol
 * @typedef {import('../protocol/types.js').ServerMessage} ServerMessage
 */

export class Connection {
  /**
   * @param {Protocol} protocol
   * @param {URL} url `ws:` or `wss:`
   * @param {(message: ServerMessage) => void} onMessage the server's messages and `{type: 'state', state}`
   */
  constructor(protocol, url, onMessage) {
    this.#protocol = protocol;
    this.#url = url;
    this.#onMessage = onMessage;
  }

  #protocol;
  #url;
  #onMessage;
  #socket = /** @type {WebSocket | null} */ (null);
  #timer = 0;

  /** Open and keep open. Call once. */
  start() {
    this.#timer = setInterval(() => this.run(this.#protocol.handleTick(performance.now())), TICK_MS);
    this.run(this.#protocol.handleStart(performance.now()));
  }

  /** Leave at once, without a goodbye. */
  stop() {
    clearInterval(this.#timer);
    this.#drop();
  }

  /** @param {import('../protocol/session.js').Effect[]} effects what a `handle…` of the protocol returned */
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
          if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(/** @type {any} */ (effect.data));
          break;
        case 'emit':
          this.#emit(/** @type {ServerMessage} */ (effect.message));
          break;
      }
    }
  }

  /** @param {ServerMessage} message */
  #emit(message) {
    if (message.type === 'state' && ['ended', 'failed'].includes(message.state.kind)) clearInterval(this.#timer);
    this.#onMessage(message);
  }

  #open() {
    this.#drop();
    const socket = new WebSocket(this.#url, SUBPROTOCOL);
    this.#socket = socket;
    // Listeners come before the socket can open, and answer only for the socket in use.
    /** @param {(now: number) => import('../protocol/session.js').Effect[]} handle */
    const ours = (handle) => {
      if (this.#socket === socket) this.run(handle(performance.now()));
    };
    socket.onmessage = ({ data }) => ours((now) => this.#protocol.handleMessage(data, now));
    socket.onopen = () => ours((now) => this.#protocol.handleOpen(now));
    socket.onclose = ({ code }) => ours((now) => this.#protocol.handleClose(code, now));
  }

  #drop() {
    const socket = this.#socket;
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
