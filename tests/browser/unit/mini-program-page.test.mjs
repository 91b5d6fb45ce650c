/** The page of web_client/examples/mini-program, as WeChat runs it: `Page` and `wx` are played by the test. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ended, started } from './messages.mjs';

const PAGE = new URL('../../../web_client/examples/mini-program/visit.js', import.meta.url).href;
const SERVER = 'https://tingqing.example/';
const PROMPT = {
  type: 'prompt.raised',
  id: 'come_closer',
  text: { zh: '请把手机拿近一点说。', en: '' },
  audience: 'patient',
};

/** @type {any} */
let options;
Object.assign(globalThis, { Page: (/** @type {any} */ given) => (options = given) });
await import(PAGE);

/** The tests' own clock: what waits, and for how long. */
const waiting = /** @type {{act: () => void, ms: number}[]} */ ([]);

/** Waits on `waiting`, while one test runs. @param {any} t */
function clockStands(t) {
  waiting.length = 0;
  t.mock.method(globalThis, 'setTimeout', (/** @type {any} */ act, /** @type {number} */ ms) =>
    waiting.push({ act, ms }),
  );
  t.mock.method(globalThis, 'clearTimeout', (/** @type {number} */ which) => {
    if (which) waiting.splice(which - 1, 1);
  });
}

/**
 * A phone with that page open for visit 4712.
 * @param {{status: number, header?: object}[]} answers of the backend, one after the other; 0: it was not reached
 */
function opened(answers = [{ status: 200 }]) {
  const on = /** @type {Record<string, any>} */ ({});
  const log = /** @type {any} */ ({ recorder: [], sent: [], asked: null });
  const names = ['onStart', 'onStop', 'onFrameRecorded', 'onInterruptionBegin', 'onInterruptionEnd', 'onError'];
  const recorder = Object.fromEntries([
    ...names.map((name) => [name, (/** @type {any} */ act) => (on[name] = act)]),
    ...['start', 'stop', 'pause', 'resume'].map((name) => [name, () => log.recorder.push(name)]),
  ]);
  const socket = {
    send: (/** @type {{data: any}} */ { data }) => log.sent.push(typeof data === 'string' ? JSON.parse(data) : data),
    close: () => {},
    onOpen: (/** @type {any} */ act) => (on.open = act),
    onMessage: (/** @type {any} */ act) => (on.message = act),
    onClose: (/** @type {any} */ act) => (on.close = act),
    onError: () => {},
  };
  /** @param {{status: number, header?: object}} given */
  const answer = ({ status, header = {} }) => {
    const data = status === 200 ? { server: SERVER, token: 'a.b.c' } : {};
    if (status === 0) log.asked.fail({ errMsg: 'request:fail' });
    else log.asked.success({ statusCode: status, header, data });
  };
  const wx = {
    request: (/** @type {any} */ asked) => {
      log.asked = asked;
      const given = answers.shift();
      if (given) answer(given);
    },
    getRecorderManager: () => recorder,
    connectSocket: (/** @type {any} */ given) => Object.assign(log, { url: given.url }) && socket,
  };
  Object.assign(globalThis, { wx });
  const page = {
    ...options,
    data: structuredClone(options.data),
    setData: (/** @type {object} */ given) => Object.assign(page.data, given),
  };
  page.onLoad({ visit: '4712' });
  return {
    page,
    on,
    log,
    answer,
    hear: (/** @type {object} */ message) => on.message({ data: JSON.stringify(message) }),
  };
}

function live() {
  const mine = opened();
  mine.page.start();
  mine.on.onStart();
  mine.on.open();
  mine.hear(started());
  return mine;
}

/** Ends it, and with it the client's timer. @param {any} of */
function over({ page, hear }) {
  page.finish();
  hear(ended('client'));
}

test('a tap asks our own backend for a token, then records and connects with it', () => {
  const { page, log, hear } = live();
  assert.match(log.asked.url, /\/visit\/4712$/);
  assert.equal(log.asked.method, 'POST');
  assert.equal(log.url, 'wss://tingqing.example/v1/stream');
  assert.deepEqual(log.recorder, ['start']);
  assert.equal(log.sent[0].mode, 'visit');
  assert.equal(page.data.state, 'live');
  over({ page, hear });
});

test('a prompt is shown until it is over, or until “not now”, which the server hears', () => {
  const { page, log, hear } = live();
  hear(PROMPT);
  assert.equal(page.data.prompt.text.zh, PROMPT.text.zh);
  hear({ type: 'prompt.cleared', id: 'speak_up' });
  assert.notEqual(page.data.prompt, null);
  hear({ type: 'prompt.cleared', id: PROMPT.id });
  assert.equal(page.data.prompt, null);
  hear(PROMPT);
  page.notNow();
  assert.equal(page.data.prompt, null);
  assert.deepEqual(log.sent.at(-1), { type: 'prompt.snooze', id: PROMPT.id });
  hear({ ...PROMPT, audience: 'doctor' });
  assert.equal(page.data.prompt, null);
  over({ page, hear });
});

test('words that a broken line cost are asked for again', (t) => {
  let [now, tick] = [0, () => {}];
  t.mock.method(Date, 'now', () => now);
  t.mock.method(globalThis, 'setInterval', (/** @type {any} */ act) => (tick = act));
  t.mock.method(globalThis, 'clearInterval', () => {});
  const { page, on, hear } = live();
  on.close({ code: 1006 });
  for (let second = 0; second < 30; second += 1) on.onFrameRecorded({ frameBuffer: new Int16Array(16_000).buffer });
  now = 5000;
  tick();
  on.open();
  hear(started());
  assert.equal(page.data.state, 'live');
  assert.match(page.data.text, /请再说一遍/);
  over({ page, hear });
});

test('a server that restarts is no broken line', (t) => {
  t.mock.method(globalThis, 'setInterval', () => 0); // no time passes
  t.mock.method(globalThis, 'clearInterval', () => {});
  const broken = live();
  broken.on.close({ code: 1006 });
  assert.match(broken.page.data.text, /网络已断开/);
  const restarting = live();
  restarting.hear({ type: 'go_away', time_left_s: 30, resumable: true });
  assert.match(restarting.page.data.text, /服务正在重启/);
});

test('who has finished reads a verdict in words', () => {
  const { page, log, hear } = live();
  page.finish();
  assert.equal(log.sent.at(-1).type, 'session.end');
  assert.equal(log.recorder.at(-1), 'stop');
  hear(ended('client'));
  assert.equal(page.data.state, 'ended');
  assert.match(page.data.text, /。$/);
});

test('a busy server is said in words, and asked again when it said', (t) => {
  clockStands(t);
  const { page, on, log, hear } = opened([{ status: 503, header: { 'RETRY-After': '7' } }, { status: 200 }]);
  page.start();
  assert.deepEqual(log.recorder, []);
  assert.equal(page.data.state, 'asking', 'no button to tap meanwhile');
  assert.equal(page.data.text, '现在人多，稍后自动再试。');
  assert.deepEqual(
    waiting.map(({ ms }) => ms),
    [7000],
  );
  waiting[0]?.act();
  assert.deepEqual(log.recorder, ['start']);
  t.mock.restoreAll();
  on.onStart();
  on.open();
  hear(started());
  over({ page, hear });
});

test('a busy server that does not say when is asked again after ten seconds', (t) => {
  clockStands(t);
  opened([{ status: 503 }]).page.start();
  assert.equal(waiting[0]?.ms, 10_000);
});

test('who leaves while the server is busy does not come back', (t) => {
  clockStands(t);
  const { page } = opened([{ status: 503, header: { 'Retry-After': '7' } }]);
  page.start();
  page.onUnload();
  assert.deepEqual(waiting, []);
});

for (const status of [200, 502, 503, 0]) {
  test(`who leaves before the backend answers ${status} is not recorded`, (t) => {
    clockStands(t);
    const { page, log, answer } = opened([]);
    page.start();
    page.onUnload();
    const shown = structuredClone(page.data);
    answer({ status });
    assert.deepEqual(log.recorder, []);
    assert.equal(log.url, undefined);
    assert.deepEqual(waiting, []);
    assert.deepEqual(page.data, shown, 'a page that is gone is not written to');
  });
}

test('a backend that refuses is said in words, and the tap works again', () => {
  const { page, log } = opened([{ status: 502 }]);
  page.start();
  assert.deepEqual(log.recorder, []);
  assert.equal(page.data.state, 'idle');
  assert.match(page.data.text, /稍后再试/);
});

test('a refused recorder shows the remedy in Chinese', () => {
  const { page, on } = opened();
  page.start();
  on.onError({ errMsg: 'operateRecorder:fail auth deny' });
  assert.equal(page.data.state, 'failed');
  assert.match(page.data.text, /[\u4e00-\u9fff]/);
});

test('who leaves the page has finished', () => {
  const { page, log, hear } = live();
  page.onUnload();
  assert.equal(log.sent.at(-1).type, 'session.end');
  hear(ended('client'));
});
