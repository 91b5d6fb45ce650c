/** What the server says of the link with which a page was opened, before anybody presses a button. */

import { told } from '../client/client-state.js';
import { linkRefusal } from '../transport/link.js';

/**
 * @import { ToldFailure } from '../client/client-state.js'
 */

/**
 * One quiet request for each link. Where no answer comes, the page goes on as if nobody had asked. A page of another
 * origin than the server's does not ask: it got its token from a backend of its own, and a refusal would stand in its
 * console. There a link is refused after Start.
 */
export class Opening {
  /** @param {HTMLElement} host on which a refusal is dispatched, as `tingqing-refused`, once it can be read there */
  constructor(host) {
    this.#host = host;
  }

  #host;
  #asked = /** @type {string | null} */ (null);
  #refusal = /** @type {ToldFailure | null} */ (null);

  /** @param {string | null} token @param {() => void} refused called before the event */
  async ask(token, refused) {
    if (!token || token === this.#asked) return;
    this.#asked = token;
    this.#refusal = null;
    const server = this.#host.getAttribute('server');
    if (server && new URL(server, document.baseURI).origin !== location.origin) return;
    const refusal = await linkRefusal(token, { server });
    if (!refusal || token !== this.#asked || !this.#host.isConnected) return;
    const detail = (this.#refusal = told(refusal));
    refused();
    this.#host.dispatchEvent(new CustomEvent('tingqing-refused', { detail, bubbles: true, composed: true }));
  }

  /** Why nothing can be begun with the link. @param {string | null} token the one at hand */
  refusal(token) {
    return token === this.#asked ? this.#refusal : null;
  }
}
