import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SessionProtocol } from '../../../web_client/protocol/session.js';

const RATE = 1000;
const CAPTURE = { source: 'microphone', noiseSuppression: false };

/** A session and everything it wanted done, with `sent` decoded and PCM as its length. */
function session() {
  const protocol = new SessionProtocol({ sampleRate: RATE, capture: CAPTURE, language: 'en' }, () => 0);
  const log = { sent: [], states: [], opened: 0, closed: 0 };
  const run = (effects) => {
    for (const effect of effects) {
      if (effect.do === 'open') log.opened += 1;
      if (effect.do === 'close') log.closed += 1;
      if (effect.do === 'send')
        log.sent.push(typeof effect.data === 'string' ? JSON.parse(effect.data) : effect.data.byteLength / 2);
      if (effect.do === 'emit' && effect.message.type === 'state') log.states.push(effect.message.state.kind);
    }
    return log;
  };
  return { protocol, run, log, take: () => log.sent.splice(0) };
}

const started = (next_sample = 0) =>
  JSON.stringify({
    type: 'session.started',
    session_id: 's',
    resume_token: 't',
    next_sample,
    limits: { resume_ttl_s: 60 },
  });

function live() {
  const made = session();
  made.run(made.protocol.handleStart(0));
  made.run(made.protocol.handleOpen(10));
  made.run(made.protocol.handleMessage(started(), 20));
  made.take();
  return made;
}

const samples = (list) => list.filter((item) => typeof item === 'number').reduce((sum, n) => sum + n, 0);
const types = (list) => list.filter((item) => typeof item === 'object').map((item) => item.type);

test('session.start is the first message, and says what the browser granted', () => {
  const { protocol, run, take } = session();
  run(protocol.handleStart(0));
  run(protocol.handleAudio(new Int16Array(100)));
  assert.deepEqual(take(), []);
  run(protocol.handleOpen(10));
  assert.deepEqual(take(), [
    { type: 'session.start', audio: { encoding: 'pcm_s16le', sample_rate: RATE }, capture: CAPTURE, language: 'en' },
  ]);
  run(protocol.handleMessage(started(), 20));
  assert.equal(samples(take()), 100, 'what was said while connecting is sent');
});

test('a cut line resumes with its token and replays from next_sample', () => {
  const { protocol, run, take, log } = live();
  run(protocol.handleAudio(new Int16Array(5000)));
  run(protocol.handleClose(1006, 6000));
  assert.equal(protocol.state.kind, 'reconnecting');
  run(protocol.handleAudio(new Int16Array(700)));
  take();
  run(protocol.handleTick(6001));
  assert.equal(log.opened, 2);
  run(protocol.handleOpen(6010));
  assert.deepEqual(take()[0].resume, { session_id: 's', resume_token: 't' });
  run(protocol.handleMessage(started(2000), 6020));
  assert.equal(samples(take()), 3700);
  assert.deepEqual(log.states, ['connecting', 'live', 'reconnecting', 'live']);
});

test('what 20 s could not hold is an explicit gap before the rest', () => {
  const { protocol, run, take } = live();
  run(protocol.handleAudio(new Int16Array(4000)));
  run(protocol.handleClose(1012, 4000));
  for (let s = 0; s < 30; s += 1) run(protocol.handleAudio(new Int16Array(1000)));
  take();
  run(protocol.handleTick(34_000));
  run(protocol.handleOpen(34_010));
  run(protocol.handleMessage(started(3000), 34_020));
  const [, gap, ...rest] = take();
  assert.deepEqual(gap, { type: 'audio.gap', samples: 11_000 });
  assert.equal(samples(rest), 15_000, 'the last 5 s wait for an acknowledgement');
  run(protocol.handleMessage('{"type":"audio.ack","samples":20000}', 34_100));
  assert.equal(samples(take()), 5000);
});

test('refusals end it with the server’s own code', () => {
  for (const [code, error, expected] of [
    [4404, 'unknown_session', 'unknown_session'],
    [4409, 'session_superseded', 'session_superseded'],
    [1009, 'frame_too_large', 'frame_too_large'],
    [4403, null, 'close_4403'],
  ]) {
    const { protocol, run, log } = live();
    if (error) run(protocol.handleMessage(JSON.stringify({ type: 'error', error: { code: error, message: '' } }), 30));
    run(protocol.handleClose(code, 40));
    assert.deepEqual([protocol.state.kind, protocol.state.code], ['failed', expected]);
    assert.deepEqual(protocol.handleTick(60_000), []);
    assert.equal(log.opened, 1);
  }
});

test('a full server is tried again when it says, and given up with its reason', () => {
  const { protocol, run, log } = session();
  run(protocol.handleStart(0));
  const full = { type: 'error', error: { code: 'at_capacity', message: 'full', retry_after_s: 5 } };
  for (let now = 0; protocol.state.kind === 'connecting' && now < 60_000; now += 250) {
    const before = log.opened;
    if (now === 0 || run(protocol.handleTick(now)).opened > before) {
      run(protocol.handleOpen(now));
      run(protocol.handleMessage(JSON.stringify(full), now));
      run(protocol.handleClose(4503, now));
    }
  }
  assert.deepEqual([protocol.state.kind, protocol.state.code], ['failed', 'at_capacity']);
  assert.equal(log.opened, 4);
});

test('a line lost for longer than the session is kept is given up', () => {
  const { protocol, run } = live();
  run(protocol.handleClose(1006, 1000));
  for (let now = 1000; now < 70_000; now += 250) {
    const opens = protocol.handleTick(now).some((effect) => effect.do === 'open');
    if (opens) run(protocol.handleClose(1006, now));
  }
  assert.deepEqual([protocol.state.kind, protocol.state.code], ['failed', 'lost']);
});

test('a dead line is dropped without waiting for its close', () => {
  const { protocol, run, log } = live();
  for (let now = 250; now <= 3500; now += 250) run(protocol.handleTick(now));
  assert.equal(protocol.state.kind, 'reconnecting');
  assert.ok(log.closed >= 1);
  assert.equal(log.opened, 2);
});

test('a pause sends nothing, keeps nothing, and outlives its socket', () => {
  const { protocol, run, take } = live();
  run(protocol.handlePause());
  run(protocol.handleAudio(new Int16Array(500)));
  assert.deepEqual(types(take()), ['audio.pause']);
  run(protocol.handleClose(1006, 1000));
  run(protocol.handleTick(1000));
  run(protocol.handleOpen(1010));
  run(protocol.handleMessage(started(), 1020));
  assert.deepEqual(types(take()), ['session.start', 'audio.pause']);
  assert.equal(protocol.state.kind, 'paused');
  run(protocol.handleResume());
  run(protocol.handleAudio(new Int16Array(40)));
  assert.deepEqual(take(), [{ type: 'audio.resume' }, 40]);
});

test('a paused line is kept warm', () => {
  const { protocol, run, take } = live();
  run(protocol.handlePause());
  for (let now = 250; now < 31_000; now += 250) {
    run(protocol.handleMessage('{"type":"heartbeat"}', now));
    run(protocol.handleTick(now));
  }
  assert.deepEqual(types(take()), ['audio.pause', 'keepalive', 'keepalive']);
});

test('not now is said at once, and again after a resume', () => {
  const { protocol, run, take } = live();
  run(protocol.handleSnooze('move_somewhere_quieter'));
  assert.deepEqual(take(), [{ type: 'prompt.snooze', id: 'move_somewhere_quieter' }]);
  run(protocol.handleClose(1006, 1000));
  run(protocol.handleTick(1000));
  run(protocol.handleOpen(1010));
  run(protocol.handleMessage(started(), 1020));
  assert.deepEqual(types(take()), ['session.start', 'prompt.snooze']);
});

test('the end comes after the last sample, also when the line is down', () => {
  const { protocol, run, take, log } = live();
  run(protocol.handleAudio(new Int16Array(300)));
  run(protocol.handleClose(1006, 1000));
  take();
  run(protocol.handleEnd(1100));
  run(protocol.handleTick(1200));
  run(protocol.handleOpen(1210));
  run(protocol.handleMessage(started(), 1220));
  assert.deepEqual(take().slice(1), [200, 100, { type: 'session.end' }]);
  run(protocol.handleMessage('{"type":"session.ended","reason":"client","result":{"id":"r"}}', 1300));
  assert.equal(protocol.state.kind, 'ended');
  assert.equal(protocol.state.result.id, 'r');
  assert.deepEqual(protocol.handleClose(1000, 1310), []);
  assert.equal(log.states.at(-1), 'ended');
});

test('an end that nobody answers is an end all the same', () => {
  const { protocol, run } = live();
  run(protocol.handleEnd(0));
  for (let now = 0; now <= 10_250; now += 250) {
    run(protocol.handleMessage('{"type":"heartbeat"}', now));
    run(protocol.handleTick(now));
  }
  assert.deepEqual([protocol.state.kind, protocol.state.result], ['ended', null]);
});

test('what is over stays over', () => {
  const { protocol, run } = live();
  run(protocol.handleMessage('{"type":"session.ended","reason":"idle","result":{"id":"r"}}', 30));
  assert.deepEqual(protocol.handleEnd(40), []);
  assert.deepEqual(protocol.handleTick(50_000), []);
  assert.throws(() => protocol.handleStart(60));
});
