/** How the windows of a long session are fetched. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { allWindows } from '../../../web_client/transport/windows.js';

/** @type {{address: string, authorization: string | undefined}[]} */
let asked = [];

/** @param {(address: URL) => any} answer */
function serverThat(answer) {
  asked = [];
  globalThis.document = /** @type {any} */ ({ baseURI: 'https://clinic.example/tingqing/' });
  globalThis.fetch = /** @type {any} */ (
    (/** @type {URL} */ address, /** @type {any} */ { headers }) => {
      asked.push({ address: String(address), authorization: headers?.Authorization });
      return Promise.resolve(answer(address));
    }
  );
}

/** @param {object[]} windows @param {string | null} next */
const page = (windows, next) => ({ ok: true, json: () => Promise.resolve({ windows, next }) });

/** @param {object | null} windows */
const ended = (windows) => /** @type {any} */ ({ type: 'session.ended', result: { windows: [{ seq: 9 }] }, windows });

test('a short session has all its windows', async () => {
  serverThat(() => assert.fail('nobody is asked'));
  assert.deepEqual(await allWindows(ended(null)), [{ seq: 9 }]);
});

test('the pages of a long one are put together, below the prefix of a proxy, with the token in the head', async () => {
  serverThat(({ search }) => (search === '?cursor=0' ? page([{ seq: 1 }], '1') : page([{ seq: 2 }], null)));
  const found = await allWindows(ended({ count: 2, path: '/v1/sessions/a/windows' }), null, 'x.y.z');
  assert.deepEqual(found, [{ seq: 1 }, { seq: 2 }]);
  assert.deepEqual(asked, [
    { address: 'https://clinic.example/tingqing/v1/sessions/a/windows?cursor=0', authorization: 'Bearer x.y.z' },
    { address: 'https://clinic.example/tingqing/v1/sessions/a/windows?cursor=1', authorization: 'Bearer x.y.z' },
  ]);
});

test('windows that are not there any more are null, not some of them', async () => {
  serverThat(({ search }) => (search === '?cursor=0' ? page([{ seq: 1 }], '1') : { ok: false }));
  assert.equal(await allWindows(ended({ count: 2, path: '/v1/sessions/a/windows' })), null);
});
