/** How the list of a site's sessions is read. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { siteSessions } from '../../../web_client/transport/sessions.js';

/** @type {string[]} */
let asked = [];

/** @param {(address: string) => Promise<any>} answer */
function serverThat(answer) {
  asked = [];
  globalThis.fetch = /** @type {any} */ (
    (/** @type {string} */ address) => {
      asked.push(address);
      return answer(address);
    }
  );
}

/** @param {string[]} ids @param {string | null} next */
function page(ids, next) {
  const answer = { sessions: ids.map((id) => ({ id })), next };
  return Promise.resolve({ ok: true, status: 200, json: () => Promise.resolve(answer) });
}

/** @param {number} status */
function refusal(status) {
  return Promise.resolve({ ok: false, status, json: () => Promise.resolve({}) });
}

test('the list has all pages, and one that moved meanwhile once', async () => {
  serverThat((address) => (address.includes('cursor=2-b') ? page(['b', 'c'], null) : page(['a', 'b'], '2-b')));
  const found = await siteSessions();
  assert.deepEqual(Array.isArray(found) && found.map((one) => one.id), ['a', 'b', 'c']);
  assert.deepEqual(asked, ['v1/sessions?state=running&limit=200', 'v1/sessions?state=running&limit=200&cursor=2-b']);
});

test('a list without an end is read for a thousand', async () => {
  serverThat((address) => page([address], `1-${asked.length}`));
  assert.equal((await siteSessions())?.length, 5);
  assert.equal(asked.length, 5);
});

test('who is not signed in any more is told apart from a server that does not say', async () => {
  serverThat(() => refusal(401));
  assert.equal(await siteSessions(), 'signed out');
  for (const status of [429, 403, 503]) {
    serverThat(() => refusal(status));
    assert.equal(await siteSessions(), null);
  }
  serverThat(() => Promise.reject(new TypeError('no network')));
  assert.equal(await siteSessions(), null);
  serverThat((address) => (address.includes('cursor') ? refusal(503) : page(['a'], '1-a')));
  assert.equal(await siteSessions(), null, 'half a list could miss whoever needs help');
});
