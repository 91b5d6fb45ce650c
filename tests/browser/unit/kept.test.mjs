/** Whose session a tab gives back, with a storage and a navigation of the test's. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { KeptInTab } from '../../../web_client/elements/kept.js';
import { isOver } from '../../../web_client/elements/patient-state.js';
import { FailureCode } from '../../../web_client/protocol/failures.js';

const SERVER = 'https://clinic.example/';
const KEPT = {
  session_id: 's',
  resume_token: 'secret',
  samples: 9000,
  acknowledged: 8000,
  ttl_s: 60,
  sampleRate: 16_000,
};

const stored = /** @type {Map<string, string>} */ (new Map());
Object.defineProperty(globalThis, 'sessionStorage', {
  value: {
    getItem: (/** @type {string} */ key) => stored.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => stored.set(key, value),
    removeItem: (/** @type {string} */ key) => stored.delete(key),
  },
});

/**
 * What a page that was opened in this way is given.
 * @param {'navigate' | 'reload' | 'back_forward'} how
 * @param {string | null} token
 * @param {{server?: string, reference?: string | null}} [rest]
 */
async function opened(how, token, { server = SERVER, reference = null } = {}) {
  performance.getEntriesByType = () => /** @type {any} */ ([{ type: how }]);
  const tab = new KeptInTab();
  await tab.belongTo({ server, token, reference });
  return { tab, recalled: tab.recall()?.session_id ?? null };
}

/** @param {string | null} token */
async function left(token) {
  const { tab } = await opened('navigate', token);
  tab.keep(KEPT);
  return tab;
}

test('a session is given back to its own link, however the page is opened', async () => {
  await left('token.of.A');
  for (const how of /** @type {const} */ (['navigate', 'reload', 'back_forward'])) {
    assert.equal((await opened(how, 'token.of.A')).recalled, 's', how);
  }
});

test('the next patient is never given the session of the one before', async () => {
  await left('token.of.A');
  for (const how of /** @type {const} */ (['navigate', 'reload', 'back_forward'])) {
    assert.equal((await opened(how, 'token.of.B')).recalled, null, how);
    assert.equal((await opened(how, null)).recalled, null, how);
    assert.equal((await opened(how, 'token.of.A', { server: 'https://other.example/' })).recalled, null, how);
    assert.equal((await opened(how, 'token.of.A', { reference: 'visit 2' })).recalled, null, how);
  }
});

test('without a token only who reloads the page goes on', async () => {
  await left(null);
  assert.equal((await opened('navigate', null)).recalled, null);
  assert.equal((await opened('back_forward', null)).recalled, null);
  assert.equal((await opened('reload', null)).recalled, 's');
  assert.equal((await opened('reload', 'token.of.B')).recalled, null);
});

test('what is stored has no token, and goes when its session is over', async () => {
  const tab = await left('token.of.A');
  assert.doesNotMatch([...stored.values()].join(), /token\.of\.A/);
  tab.keep(null);
  assert.equal(stored.size, 0);
  assert.equal(tab.recall(), null);
});

test('a session that the server no longer keeps is not given back', async (context) => {
  let now = 0;
  context.mock.method(Date, 'now', () => now);
  await left('token.of.A');
  now = 59_999;
  assert.equal((await opened('reload', 'token.of.A')).recalled, 's');
  now = 60_000;
  assert.equal((await opened('reload', 'token.of.A')).recalled, null);
});

test('a page that has no digests keeps nothing rather than give it to anybody', async () => {
  const real = Object.getOwnPropertyDescriptor(globalThis, 'crypto');
  assert.ok(real);
  stored.clear();
  Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true });
  const tab = await left('token.of.A');
  Object.defineProperty(globalThis, 'crypto', real);
  assert.equal(stored.size, 0);
  assert.equal(tab.recall(), null);
});

test('a microphone that is denied or busy ends no visit, an answer that is final does', () => {
  const failed = (/** @type {FailureCode} */ code) =>
    isOver({ kind: 'failed', failure: { code, detail: '', remedy: { zh: '', en: '' } } });
  for (const code of [FailureCode.MICROPHONE_DENIED, FailureCode.MICROPHONE_BUSY, FailureCode.UNREACHABLE]) {
    assert.equal(failed(code), false, code);
  }
  for (const code of [FailureCode.FOREIGN_TOKEN, FailureCode.SESSION_LOST, FailureCode.LINE_LOST]) {
    assert.equal(failed(code), true, code);
  }
  assert.equal(isOver({ kind: 'ended', reason: 'client', result: null }), true);
  assert.equal(isOver({ kind: 'reconnecting', why: 'line' }), false);
});
