/** A doctor's view without our element, over sockets that the test plays. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { TingqingObserver } from '../../../web_client/client/observer.js';
import { refusal } from './messages.mjs';

/** @import { WatchOptions } from '../../../web_client/client/observer.js' */

const SESSION = 'a1b2';
const PROMPT = 'move_somewhere_quieter';

/** @type {any[]} */
const sockets = [];

class FakeSocket {
  static OPEN = 1;
  readyState = FakeSocket.OPEN;
  sent = /** @type {object[]} */ ([]);
  closed = false;

  /** @param {URL} url @param {string[]} protocols */
  constructor(url, protocols) {
    this.url = url.href;
    this.protocols = protocols;
    sockets.push(this);
  }

  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.closed = true;
  }
}

/** @type {any} */
let fetched = null;
Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'Firefox' }, configurable: true });
Object.assign(globalThis, {
  WebSocket: FakeSocket,
  document: { baseURI: 'https://portal.localhost/visit/', hidden: false, addEventListener: () => {} },
  fetch: (/** @type {URL} */ url, /** @type {any} */ init) => {
    fetched = { url: url.href, ...init };
    return Promise.resolve({ ok: true, json: () => Promise.resolve({ kept: true }) });
  },
});

const snapshot = (more = {}) => ({ type: 'snapshot', session_id: SESSION, update: null, prompts: [], ...more });

/** @param {Partial<WatchOptions>} [more] */
function watching(more) {
  const observer = new TingqingObserver({
    session: SESSION,
    server: 'https://tingqing.localhost/',
    token: 'a.b',
    ...more,
  });
  const states = /** @type {string[]} */ ([]);
  const heard = /** @type {string[]} */ ([]);
  observer.on('state', ({ kind }) => states.push(kind));
  observer.on('message', ({ type }) => heard.push(type));
  observer.start();
  const last = () => sockets.at(-1);
  return {
    observer,
    states,
    heard,
    socket: last,
    say: (/** @type {object} */ message) => last().onmessage({ data: JSON.stringify(message) }),
  };
}

test('a session is watched over a socket of its own, with the token beside the protocol', () => {
  const { observer, states, heard, socket, say } = watching();
  assert.equal(socket().url, `wss://tingqing.localhost/v1/sessions/${SESSION}/observe`);
  assert.deepEqual(socket().protocols, ['tingqing.v1', 'bearer.a.b']);
  socket().onopen();
  say(snapshot());
  assert.deepEqual(states, ['connecting', 'live']);
  assert.deepEqual(heard, ['snapshot']);
  observer.stop();
  assert.equal(observer.state.kind, 'idle');
  assert.ok(socket().closed);
});

test('a nudge and a mute are said while live, and at no other time', () => {
  const { observer, socket, say } = watching();
  socket().onopen();
  observer.nudge(PROMPT);
  assert.deepEqual(socket().sent, []);
  say(snapshot({ nudge: true }));
  observer.nudge(PROMPT);
  observer.mute(PROMPT);
  assert.deepEqual(socket().sent, [
    { type: 'prompt.send', id: PROMPT },
    { type: 'prompt.mute', id: PROMPT },
  ]);
  observer.stop();
  observer.nudge(PROMPT);
  assert.equal(socket().sent.length, 2);
});

test('a patient who has not come yet is waited for, and told apart from a server that does not answer', () => {
  const { observer, states, socket, say } = watching();
  socket().onopen();
  say(refusal('session_not_begun'));
  socket().onclose({ code: 4503 });
  assert.equal(observer.notBegun, true);
  assert.deepEqual(states, ['connecting']);
  observer.stop();
  assert.equal(observer.notBegun, false);
});

test('a refusal fails with the code of the server, and words for people', () => {
  const { observer, socket, say } = watching();
  socket().onopen();
  say(refusal('token_expired'));
  socket().onclose({ code: 4401 });
  const { state } = observer;
  assert.ok(state.kind === 'failed' && state.failure.code === 'token_expired');
  assert.ok(state.failure.remedy.zh && state.failure.remedy.en);
});

test('what is over stays over, until it is started again', () => {
  const { observer, states, socket, say } = watching();
  socket().onopen();
  say(snapshot());
  say({ type: 'session.ended', reason: 'client', result: null });
  assert.deepEqual(states, ['connecting', 'live', 'ended']);
  const before = sockets.length;
  observer.options = { session: 'c3d4' };
  observer.start();
  assert.equal(sockets.length, before + 1);
  assert.equal(socket().url, 'wss://portal.localhost/visit/v1/sessions/c3d4/observe');
  observer.stop();
});

test('whether the patient can be heard is told with the token, the one at hand or the one that is asked for', async () => {
  const { observer } = watching();
  assert.equal(await observer.heard(false), 'kept');
  assert.equal(fetched.url, `https://tingqing.localhost/v1/sessions/${SESSION}/heard`);
  assert.equal(fetched.headers.Authorization, 'Bearer a.b');
  assert.equal(fetched.body, '{"clear":false}');
  observer.stop();
  const asked = watching({ token: null, tokenProvider: () => Promise.resolve('c.d') });
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  assert.deepEqual(asked.socket().protocols, ['tingqing.v1', 'bearer.c.d']);
  await asked.observer.heard(true);
  assert.equal(fetched.headers.Authorization, 'Bearer c.d');
  asked.observer.stop();
});
