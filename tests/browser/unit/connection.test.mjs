/** The shell's claims, with a WebSocket that is as strict about subprotocols as a browser's. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Connection } from '../../../web_client/transport/connection.js';

/** @type {string[][]} */
const offered = [];

class StrictSocket {
  /**
   * @param {URL} _url
   * @param {string[]} protocols
   */
  constructor(_url, protocols) {
    // RFC 6455, 4.1: tokens of RFC 2616.
    if (!protocols.every((one) => /^[!#$%&'*+.^_`|~\w-]+$/.test(one))) throw new SyntaxError('invalid subprotocol');
    offered.push(protocols);
  }

  close() {}
}

globalThis.WebSocket = /** @type {any} */ (StrictSocket);

/** @param {string | null | (() => Promise<string>)} token */
function open(token) {
  const protocol = /** @type {any} */ ({});
  new Connection(protocol, new URL('ws://localhost/v1/stream'), token, () => {}).run([{ do: 'open' }]);
  return offered.at(-1);
}

test('a token is offered beside the protocol, and none where there is none', () => {
  assert.deepEqual(open('eyJ.a-b_c.d'), ['tingqing.v1', 'bearer.eyJ.a-b_c.d']);
  assert.deepEqual(open(null), ['tingqing.v1']);
});

test('a link that was copied with what stood behind it is left to the server to refuse', () => {
  for (const token of ['eyJ.a.b)', 'eyJ.a.b,', 'eyJ.a.b ', 'eyJ.a.b。', 'eyJ.a.b%20', '"eyJ']) {
    assert.deepEqual(open(token), ['tingqing.v1', 'bearer.invalid'], token);
  }
});

test('who is asked for a token is asked before each socket, and gives none that comes too late', async () => {
  const answers = [Promise.resolve('first'), Promise.resolve('second'), new Promise(() => {})];
  const protocol = /** @type {any} */ ({});
  const ask = () => /** @type {Promise<string>} */ (answers.shift());
  const connection = new Connection(protocol, new URL('ws://localhost/v1/stream'), ask, () => {});
  offered.length = 0;
  connection.run([{ do: 'open' }]);
  connection.run([{ do: 'close' }]);
  await Promise.resolve();
  assert.deepEqual(offered, [], 'closed before the token came');
  connection.run([{ do: 'open' }]);
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  assert.deepEqual(offered, [['tingqing.v1', 'bearer.second']]);
});
