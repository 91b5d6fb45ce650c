import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AGAIN_AFTER_MS, LONGEST_MS, MiniProgramClient } from '../../../web_client/client/mini-program.js';
import { refusal, started } from './messages.mjs';

/**
 * @import { MiniProgramOptions } from '../../../web_client/client/mini-program.js'
 * @import { LineOption } from '../../../web_client/client/session-config.js'
 */

const SERVER = 'https://tingqing.example/';

/**
 * A phone: its recorder, its sockets and its clock, all played by the test.
 * @param {Partial<MiniProgramOptions>} [more]
 */
function phone(more) {
  const on = /** @type {Record<string, (given?: any) => void>} */ ({});
  const log = { recorder: /** @type {string[]} */ ([]), options: /** @type {any} */ (null) };
  const did = (/** @type {string} */ what) => () => void log.recorder.push(what);
  const recorder = new Proxy(
    {
      start: (/** @type {object} */ options) => {
        log.options = options;
        log.recorder.push('start');
      },
      stop: did('stop'),
      pause: did('pause'),
      resume: did('resume'),
    },
    {
      get: (target, /** @type {string} */ name) =>
        name in target
          ? target[/** @type {keyof typeof target} */ (name)]
          : (/** @type {any} */ act) => (on[name] = act),
    },
  );
  const sockets = /** @type {any[]} */ ([]);
  const wx = {
    getRecorderManager: () => /** @type {any} */ (recorder),
    connectSocket: (/** @type {any} */ options) => {
      const events = /** @type {Record<string, any>} */ ({});
      const socket = {
        options,
        events,
        sent: /** @type {any[]} */ ([]),
        closed: 0,
        send: (/** @type {{data: string | ArrayBuffer}} */ { data }) =>
          socket.sent.push(typeof data === 'string' ? JSON.parse(data) : data.byteLength),
        close: () => (socket.closed += 1),
        onOpen: (/** @type {any} */ act) => (events.open = act),
        onMessage: (/** @type {any} */ act) => (events.message = act),
        onClose: (/** @type {any} */ act) => (events.close = act),
        onError: (/** @type {any} */ act) => (events.error = act),
      };
      sockets.push(socket);
      return socket;
    },
  };
  const clock = { ms: 0, tick: /** @type {(() => void) | null} */ (null) };
  const given = {
    setInterval: (/** @type {() => void} */ act) => (clock.tick = act),
    clearInterval: () => (clock.tick = null),
    now: () => clock.ms,
  };
  const client = new MiniProgramClient(wx, { server: SERVER, token: 'a.b.c', mode: 'visit', ...more }, given);
  const states = /** @type {string[]} */ ([]);
  client.on('state', ({ kind }) => states.push(kind));
  return { client, log, on, sockets, clock, states, take: () => sockets.at(-1).sent.splice(0) };
}

/** @param {Partial<MiniProgramOptions>} [more] */
function live(more) {
  const mine = phone(more);
  mine.client.start();
  mine.on.onStart?.();
  const [socket] = mine.sockets;
  socket.events.open();
  socket.events.message({ data: JSON.stringify(started()) });
  return { ...mine, socket };
}

const FRAME = new Int16Array(1024).buffer;

test('a visit begins once the recorder runs, with the token beside the protocol', () => {
  const { client, socket, log, states } = live();
  assert.equal(socket.options.url, 'wss://tingqing.example/v1/stream');
  assert.deepEqual(socket.options.protocols, ['tingqing.v1', 'bearer.a.b.c']);
  assert.deepEqual(
    { format: log.options.format, rate: log.options.sampleRate, longest: log.options.duration },
    { format: 'PCM', rate: 16_000, longest: LONGEST_MS },
  );
  assert.equal(socket.sent[0].mode, 'visit');
  assert.deepEqual(states, ['asking', 'connecting', 'live']);
  assert.notEqual(client.sessionId, '');
});

test('what the recorder gives is sent', () => {
  const { on, take } = live();
  take();
  on.onFrameRecorded?.({ frameBuffer: FRAME });
  assert.deepEqual(take(), [2048]);
});

for (const { line, rate, encoding, capture, second } of [
  { line: 'full', rate: 16_000, encoding: 'pcm_s16le', capture: { source: 'microphone' }, second: 32_000 },
  { line: 'half', rate: 16_000, encoding: 'mulaw', capture: { source: 'microphone' }, second: 16_000 },
  {
    line: 'narrow',
    rate: 8000,
    encoding: 'mulaw',
    // The recorder does not say what the phone does to the sound: it may do anything.
    capture: { source: 'telephone', noiseSuppression: true, autoGainControl: true },
    second: 8000,
  },
]) {
  test(`over a ${line} line the recorder gives ${rate} Hz, and a second is ${second} bytes`, () => {
    const { log, on, socket, take } = live({ line: /** @type {LineOption} */ (line) });
    assert.equal(log.options.sampleRate, rate);
    const [declared] = take();
    assert.deepEqual(declared.audio, { encoding, sample_rate: rate });
    assert.deepEqual(declared.capture, capture);
    on.onFrameRecorded?.({ frameBuffer: new Int16Array(rate).buffer });
    const sent = /** @type {unknown[]} */ (take());
    assert.ok(sent.every((piece) => typeof piece === 'number'));
    assert.equal(
      sent.reduce((/** @type {number} */ all, bytes) => all + Number(bytes), 0),
      second,
    );
    assert.equal(socket.closed, 0);
  });
}

test('what a line cost for good is told in seconds of the rate that was recorded', () => {
  const { client, on, socket, clock, sockets } = live({ line: 'narrow' });
  const lost = /** @type {number[]} */ ([]);
  client.on('lost', (seconds) => lost.push(seconds));
  socket.events.close({ code: 1006 });
  for (let second = 0; second < 30; second += 1) on.onFrameRecorded?.({ frameBuffer: new Int16Array(8000).buffer });
  clock.ms = 2000;
  clock.tick?.();
  const again = sockets.at(-1);
  again.events.open();
  again.events.message({ data: JSON.stringify(started()) });
  assert.equal(lost.length, 1);
  assert.ok(Math.abs((lost[0] ?? 0) - 10) < 0.5, 'of 30 s the last 20 are kept');
});

test('before ten minutes the recorder begins again, and the session waits for that moment', () => {
  const { on, take, clock, log, socket } = live();
  clock.ms = AGAIN_AFTER_MS - 1;
  socket.events.message({ data: JSON.stringify({ type: 'heartbeat' }) });
  clock.tick?.();
  assert.deepEqual(log.recorder, ['start']);
  take();
  clock.ms = AGAIN_AFTER_MS;
  clock.tick?.();
  assert.deepEqual(log.recorder, ['start', 'stop']);
  assert.equal(take()[0].type, 'audio.pause');
  on.onStop?.();
  assert.deepEqual(log.recorder, ['start', 'stop', 'start']);
  on.onStart?.();
  assert.deepEqual(take(), [{ type: 'audio.resume' }]);
  clock.tick?.();
  assert.deepEqual(log.recorder, ['start', 'stop', 'start'], 'the ten minutes begin anew');
});

test('a phone call is a pause, and one of the patient stays one after it', () => {
  const { on, client, take, log } = live();
  take();
  on.onInterruptionBegin?.();
  assert.deepEqual(take(), [{ type: 'audio.pause' }]);
  client.pause();
  on.onInterruptionEnd?.();
  assert.deepEqual(take(), []);
  assert.ok(!log.recorder.includes('resume'));
  client.resume();
  assert.deepEqual(take(), [{ type: 'audio.resume' }]);
});

test('a broken line is opened anew', () => {
  const { socket, sockets, clock, states } = live();
  socket.events.close({ code: 1006 });
  assert.equal(states.at(-1), 'reconnecting');
  clock.ms = 2000;
  clock.tick?.();
  assert.equal(sockets.length, 2);
});

test('who has finished is heard to the end, and the recorder stops', () => {
  const { client, take, log } = live();
  take();
  client.finish();
  assert.deepEqual(take(), [{ type: 'session.end' }]);
  assert.equal(log.recorder.at(-1), 'stop');
});

test('a microphone that is denied says what to do in WeChat', () => {
  const mine = phone();
  mine.client.start();
  mine.on.onError?.({ errMsg: 'operateRecorder:fail auth deny' });
  const { state } = mine.client;
  assert.ok(state.kind === 'failed' && state.failure.code === 'denied' && state.failure.remedy.zh !== '');
  assert.equal(mine.sockets.length, 0);
});

test('a refusal ends it with the code of the server', () => {
  const mine = phone();
  mine.client.start();
  mine.on.onStart?.();
  const [socket] = mine.sockets;
  socket.events.open();
  socket.events.message({ data: JSON.stringify(refusal('token_used')) });
  socket.events.close({ code: 4403 });
  const { state } = mine.client;
  assert.ok(state.kind === 'failed' && state.failure.code === 'token_used');
  assert.equal(mine.log.recorder.at(-1), 'stop');
});
