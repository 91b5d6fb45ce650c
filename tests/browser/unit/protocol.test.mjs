import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FailureCode } from '../../../web_client/protocol/failures.js';
import { SessionProtocol } from '../../../web_client/protocol/session.js';
import { CAPTURE, ended, refusal, started } from './messages.mjs';

const RATE = 1000;

/**
 * @import { Effect } from '../../../web_client/protocol/effects.js'
 * @import { Failure } from '../../../web_client/protocol/failures.js'
 * @import { KeptSession } from '../../../web_client/protocol/session-state.js'
 *
 * @typedef {{type: string} & Record<string, any>} Message as it went out
 * @typedef {Message | number} Sent a message, or the samples of a chunk of PCM
 */

/** A session and everything it wanted done. */
function session(/** @type {KeptSession | null} */ kept = null) {
  const protocol = new SessionProtocol({ sampleRate: RATE, capture: CAPTURE, language: 'en' }, () => 0, kept);
  const log = { sent: /** @type {Sent[]} */ ([]), states: /** @type {string[]} */ ([]), opened: 0, closed: 0 };
  /** @param {Effect[]} effects */
  const run = (effects) => {
    for (const effect of effects) {
      if (effect.do === 'open') log.opened += 1;
      if (effect.do === 'close') log.closed += 1;
      if (effect.do === 'send') {
        log.sent.push(typeof effect.data === 'string' ? JSON.parse(effect.data) : effect.data.byteLength / 2);
      }
      if (effect.do === 'emit' && effect.message.type === 'state') log.states.push(effect.message.state.kind);
    }
    return log;
  };
  /** @param {object} message @param {number} now */
  const hear = (message, now) => run(protocol.handleMessage(JSON.stringify(message), now));
  return { protocol, run, hear, log, take: () => log.sent.splice(0) };
}

function live() {
  const made = session();
  made.run(made.protocol.handleStart(0));
  made.run(made.protocol.handleOpen(10));
  made.hear(started(), 20);
  made.take();
  return made;
}

/** @param {Sent[]} list */
const samples = (list) =>
  list.reduce((/** @type {number} */ sum, item) => sum + (typeof item === 'number' ? item : 0), 0);
/** @param {Sent[]} list */
const messages = (list) => list.filter((item) => typeof item === 'object');
/** @param {Sent[]} list */
const types = (list) => messages(list).map(({ type }) => type);

/** @param {SessionProtocol} protocol @returns {Failure} why it failed */
function failureOf({ state }) {
  assert.ok(state.kind === 'failed', state.kind);
  return state.failure;
}

/** @param {SessionProtocol} protocol */
function endOf({ state }) {
  assert.ok(state.kind === 'ended', state.kind);
  return state;
}

test('session.start is the first message, and says what the browser granted', () => {
  const { protocol, run, hear, take } = session();
  run(protocol.handleStart(0));
  run(protocol.handleAudio(new Int16Array(100)));
  assert.deepEqual(take(), []);
  run(protocol.handleOpen(10));
  assert.deepEqual(take(), [
    { type: 'session.start', audio: { encoding: 'pcm_s16le', sample_rate: RATE }, capture: CAPTURE, language: 'en' },
  ]);
  hear(started(), 20);
  assert.equal(samples(take()), 100, 'what was said while connecting is sent');
});

test('a cut line resumes with its token and replays from next_sample', () => {
  const { protocol, run, hear, take, log } = live();
  run(protocol.handleAudio(new Int16Array(5000)));
  run(protocol.handleClose(1006, 6000));
  assert.equal(protocol.state.kind, 'reconnecting');
  run(protocol.handleAudio(new Int16Array(700)));
  take();
  run(protocol.handleTick(6001));
  assert.equal(log.opened, 2);
  run(protocol.handleOpen(6010));
  assert.deepEqual(messages(take())[0]?.['resume'], { session_id: 's', resume_token: 't' });
  hear(started(2000), 6020);
  assert.equal(samples(take()), 3700);
  assert.deepEqual(log.states, ['connecting', 'live', 'reconnecting', 'live']);
});

test('a server that stops is left at once, if another process can go on', () => {
  const { protocol, run, hear, take, log } = live();
  run(protocol.handleAudio(new Int16Array(5000)));
  hear({ type: 'go_away', time_left_s: 600, resumable: true }, 6000);
  assert.equal(log.closed, 1);
  run(protocol.handleAudio(new Int16Array(700)));
  take();
  run(protocol.handleTick(6001));
  assert.equal(log.opened, 2);
  run(protocol.handleOpen(6010));
  hear(refusal('draining', { retry_after_s: 1 }), 6020);
  run(protocol.handleClose(1012, 6020));
  run(protocol.handleTick(7019));
  assert.equal(log.opened, 2, 'the one that stops says when to ask again');
  run(protocol.handleTick(7020));
  assert.equal(log.opened, 3);
  run(protocol.handleOpen(7030));
  take();
  hear(started(2000), 7040);
  assert.equal(samples(take()), 3700);
  assert.deepEqual(log.states, ['connecting', 'live', 'reconnecting', 'live']);
});

test('a server that stops is not left where nobody could go on, nor before the result', () => {
  const { protocol, run, hear, log } = live();
  hear({ type: 'go_away', time_left_s: 600, resumable: false }, 100);
  hear({ type: 'go_away', time_left_s: 600 }, 100);
  run(protocol.handleEnd(200));
  hear({ type: 'go_away', time_left_s: 600, resumable: true }, 300);
  assert.equal(log.closed, 0);
  assert.deepEqual(log.states, ['connecting', 'live', 'ending']);
});

test('what 20 s could not hold is an explicit gap before the rest', () => {
  const { protocol, run, hear, take } = live();
  run(protocol.handleAudio(new Int16Array(4000)));
  run(protocol.handleClose(1012, 4000));
  for (let s = 0; s < 30; s += 1) run(protocol.handleAudio(new Int16Array(1000)));
  take();
  run(protocol.handleTick(34_000));
  run(protocol.handleOpen(34_010));
  hear(started(3000), 34_020);
  const [, gap, ...rest] = take();
  assert.deepEqual(gap, { type: 'audio.gap', samples: 11_000 });
  assert.equal(samples(rest), 15_000, 'the last 5 s wait for an acknowledgement');
  hear({ type: 'audio.ack', samples: 20_000 }, 34_100);
  assert.equal(samples(take()), 5000);
});

/** @param {boolean} speaking */
const farEnd = (speaking) => ({ type: 'far_end', speaking });

test('the far end is told at its place in the sound, and only when it changes', () => {
  const { protocol, run, hear, take } = session();
  run(protocol.handleStart(0));
  run(protocol.handleFarEnd(false));
  run(protocol.handleAudio(new Int16Array(300)));
  run(protocol.handleFarEnd(true));
  run(protocol.handleFarEnd(true));
  run(protocol.handleAudio(new Int16Array(50)));
  run(protocol.handleOpen(10));
  hear(started(), 20);
  assert.deepEqual(take().slice(1), [100, 100, 100, farEnd(true), 50]);
  run(protocol.handleFarEnd(false));
  assert.deepEqual(take(), [farEnd(false)]);
});

test('a replay repeats the marks of the far end, and begins with what holds there', () => {
  const { protocol, run, hear, take } = live();
  run(protocol.handleFarEnd(true));
  run(protocol.handleAudio(new Int16Array(1000)));
  run(protocol.handleFarEnd(false));
  run(protocol.handleAudio(new Int16Array(1000)));
  run(protocol.handleClose(1006, 6000));
  run(protocol.handleFarEnd(true));
  take();
  run(protocol.handleTick(6001));
  run(protocol.handleOpen(6010));
  hear(started(900), 6020);
  assert.deepEqual(take().slice(1), [farEnd(true), 100, farEnd(false), ...Array(10).fill(100), farEnd(true)]);
});

test('marks older than the sound that is kept are forgotten, but for the last', () => {
  const { protocol, run, hear, take } = live();
  for (let s = 0; s < 60; s += 1) {
    run(protocol.handleFarEnd(s % 2 === 0));
    run(protocol.handleAudio(new Int16Array(1000)));
    hear({ type: 'audio.ack', samples: 1000 * (s + 1) }, 100 * s);
  }
  run(protocol.handleClose(1006, 6000));
  take();
  run(protocol.handleTick(6001));
  run(protocol.handleOpen(6010));
  hear(started(30_000), 6020);
  assert.deepEqual(take().slice(1, 5), [{ type: 'audio.gap', samples: 10_000 }, farEnd(false), farEnd(true), 100]);
});

test('refusals end it with the server’s own code', () => {
  /** @type {[number, string | null, Failure][]} */
  const refusals = [
    [4404, 'unknown_session', { code: FailureCode.SESSION_LOST, detail: 'why' }],
    [4409, 'session_superseded', { code: FailureCode.SESSION_SUPERSEDED, detail: 'why' }],
    [1009, 'frame_too_large', { code: FailureCode.REFUSED, detail: 'frame_too_large: why' }],
    [4403, null, { code: FailureCode.CLOSED, detail: 'close code 4403' }],
  ];
  for (const [closeCode, error, expected] of refusals) {
    const { protocol, run, hear, log } = live();
    if (error) hear(refusal(error, { message: 'why' }), 30);
    run(protocol.handleClose(closeCode, 40));
    assert.deepEqual(failureOf(protocol), expected);
    assert.deepEqual(protocol.handleTick(60_000), []);
    assert.equal(log.opened, 1);
  }
});

test('a full server is tried again when it says, and given up with its reason', () => {
  const { protocol, run, hear, log } = session();
  run(protocol.handleStart(0));
  for (let now = 0; protocol.state.kind === 'connecting' && now < 60_000; now += 250) {
    const before = log.opened;
    if (now === 0 || run(protocol.handleTick(now)).opened > before) {
      run(protocol.handleOpen(now));
      hear(refusal('at_capacity', { retry_after_s: 5 }), now);
      run(protocol.handleClose(4503, now));
    }
  }
  assert.equal(failureOf(protocol).code, FailureCode.AT_CAPACITY);
  assert.equal(log.opened, 4);
});

test('a line lost for longer than the session is kept is given up', () => {
  const { protocol, run } = live();
  run(protocol.handleClose(1006, 1000));
  for (let now = 1000; now < 70_000; now += 250) {
    const opens = protocol.handleTick(now).some((effect) => effect.do === 'open');
    if (opens) run(protocol.handleClose(1006, now));
  }
  assert.equal(failureOf(protocol).code, FailureCode.LINE_LOST);
});

test('a dead line is dropped without waiting for its close', () => {
  const { protocol, run, log } = live();
  for (let now = 250; now <= 3500; now += 250) run(protocol.handleTick(now));
  assert.equal(protocol.state.kind, 'reconnecting');
  assert.ok(log.closed >= 1);
  assert.equal(log.opened, 2);
});

test('a pause sends nothing, keeps nothing, and outlives its socket', () => {
  const { protocol, run, hear, take } = live();
  run(protocol.handlePause());
  run(protocol.handleAudio(new Int16Array(500)));
  assert.deepEqual(types(take()), ['audio.pause']);
  run(protocol.handleClose(1006, 1000));
  run(protocol.handleTick(1000));
  run(protocol.handleOpen(1010));
  hear(started(), 1020);
  assert.deepEqual(types(take()), ['session.start', 'audio.pause']);
  assert.equal(protocol.state.kind, 'paused');
  run(protocol.handleResume());
  run(protocol.handleAudio(new Int16Array(40)));
  assert.deepEqual(take(), [{ type: 'audio.resume' }, 40]);
});

test('a paused line is kept warm', () => {
  const { protocol, run, hear, take } = live();
  run(protocol.handlePause());
  for (let now = 250; now < 31_000; now += 250) {
    hear({ type: 'heartbeat' }, now);
    run(protocol.handleTick(now));
  }
  assert.deepEqual(types(take()), ['audio.pause', 'keepalive', 'keepalive']);
});

test('what was said is handed over while the line is there', () => {
  const { protocol, run, take } = live();
  const segments = [{ id: '1', text: '我肚子疼', start_s: 1, end_s: 2, final: true }];
  run(protocol.handleTranscript(segments));
  assert.deepEqual(take(), [{ type: 'transcript', segments }]);
  run(protocol.handleClose(1006, 1000));
  run(protocol.handleTranscript(segments));
  assert.deepEqual(take(), []);
});

test('not now is said at once, and again after a resume', () => {
  const { protocol, run, hear, take } = live();
  run(protocol.handleSnooze('move_somewhere_quieter'));
  assert.deepEqual(take(), [{ type: 'prompt.snooze', id: 'move_somewhere_quieter' }]);
  run(protocol.handleClose(1006, 1000));
  run(protocol.handleTick(1000));
  run(protocol.handleOpen(1010));
  hear(started(), 1020);
  assert.deepEqual(types(take()), ['session.start', 'prompt.snooze']);
});

test('the end comes after the last sample, also when the line is down', () => {
  const { protocol, run, hear, take, log } = live();
  run(protocol.handleAudio(new Int16Array(300)));
  run(protocol.handleClose(1006, 1000));
  take();
  run(protocol.handleEnd(1100));
  run(protocol.handleTick(1200));
  run(protocol.handleOpen(1210));
  hear(started(), 1220);
  assert.deepEqual(take().slice(1), [100, 100, 100, { type: 'session.end' }]);
  hear(ended('client'), 1300);
  assert.equal(endOf(protocol).result?.id, 'r');
  assert.deepEqual(protocol.handleClose(1000, 1310), []);
  assert.equal(log.states.at(-1), 'ended');
});

test('a session that never began, and that the server does not know, is one for which nobody came in time', () => {
  const { protocol, run, hear } = session();
  run(protocol.handleStart(0));
  run(protocol.handleOpen(10));
  hear(refusal('unknown_session', { message: 'why' }), 20);
  run(protocol.handleClose(4404, 30));
  assert.deepEqual(protocol.state, { kind: 'failed', failure: { code: FailureCode.TOKEN_EXPIRED, detail: 'why' } });
});

test('an end that nobody answers is an end all the same', () => {
  const { protocol, run, hear } = live();
  run(protocol.handleEnd(0));
  for (let now = 0; now <= 10_250; now += 250) {
    hear({ type: 'heartbeat' }, now);
    run(protocol.handleTick(now));
  }
  assert.equal(endOf(protocol).result, null);
});

test('what is over stays over', () => {
  const { protocol, hear } = live();
  hear(ended('idle'), 30);
  assert.deepEqual(protocol.handleEnd(40), []);
  assert.deepEqual(protocol.handleTick(50_000), []);
  assert.throws(() => protocol.handleStart(60));
});

/** What was never heard, as told to the page. @param {Effect[]} effects */
const lostIn = (effects) =>
  effects.flatMap((one) => (one.do === 'emit' && one.message.type === 'lost' ? [one.message.samples] : []));

test('a reloaded page goes on with its session, and what came before is not told as lost', () => {
  const former = live();
  former.run(former.protocol.handleAudio(new Int16Array(7 * RATE)));
  former.hear({ type: 'audio.ack', samples: 7 * RATE }, 100);
  const kept = former.protocol.kept;
  const said = { samples: 7 * RATE, acknowledged: 7 * RATE };
  assert.deepEqual(kept, { session_id: 's', resume_token: 't', ...said, ttl_s: 60 });
  const { protocol, run, hear, take } = session(kept);
  run(protocol.handleStart(0));
  run(protocol.handleOpen(10));
  assert.deepEqual(messages(take())[0]?.resume, { session_id: 's', resume_token: 't' });
  const effects = protocol.handleMessage(JSON.stringify(started(2 * RATE)), 20);
  assert.deepEqual(lostIn(effects), []);
  run(effects);
  run(protocol.handleAudio(new Int16Array(40)));
  assert.deepEqual(take(), [{ type: 'audio.gap', samples: 5 * RATE }, 40]);
  hear({ type: 'error', error: { code: 'unknown_session', message: '' } }, 30);
  run(protocol.handleClose(4404, 30));
  assert.equal(protocol.kept, null, 'a session that is gone is not kept');
});

test('what a page had not sent yet when it was reloaded is told as lost', () => {
  const former = live();
  former.run(former.protocol.handleAudio(new Int16Array(7 * RATE)));
  former.hear({ type: 'audio.ack', samples: 7 * RATE }, 100);
  former.run(former.protocol.handleClose(1006, 200));
  former.run(former.protocol.handleAudio(new Int16Array(15 * RATE)));
  const { protocol, run } = session(former.protocol.kept);
  run(protocol.handleStart(0));
  run(protocol.handleOpen(10));
  // From its checkpoint on; that it had heard 7 s is known here alone.
  const effects = protocol.handleMessage(JSON.stringify(started(2 * RATE)), 20);
  assert.deepEqual(lostIn(effects), [15 * RATE]);
});

test('a page that is reloaded twice still knows what was lost', () => {
  const kept = { session_id: 's', resume_token: 't', samples: 9 * RATE, acknowledged: 4 * RATE, ttl_s: 60 };
  const { protocol, run } = session(kept);
  run(protocol.handleStart(0));
  run(protocol.handleOpen(10));
  assert.deepEqual(protocol.kept, kept, 'no answer yet');
  run(protocol.handleMessage(JSON.stringify(started(2 * RATE)), 20));
  assert.equal(protocol.kept?.acknowledged, 4 * RATE);
});

test('segments that came while the line was down go out with the next one, the latest hundred', () => {
  const { protocol, run, hear, take } = live();
  const segment = (/** @type {number} */ n) => ({ id: `${n}`, text: 'x', start_s: n, end_s: n + 1, final: true });
  run(protocol.handleTranscript([segment(0)]));
  assert.deepEqual(take(), [{ type: 'transcript', segments: [segment(0)] }]);
  run(protocol.handleClose(1006, 100));
  for (let n = 1; n <= 120; n += 1) run(protocol.handleTranscript([segment(n)]));
  assert.deepEqual(take(), []);
  run(protocol.handleTick(2000));
  run(protocol.handleOpen(2010));
  take();
  hear(started(), 2020);
  const [told] = messages(take());
  assert.deepEqual(
    told?.segments,
    Array.from({ length: 100 }, (_, i) => segment(21 + i)),
  );
});

test('what went to a session that is over is not told to the one in its place, what waits is', () => {
  const { protocol, run, hear, take } = live();
  const segment = (/** @type {string} */ id) => ({ id, text: 'x', start_s: 0, end_s: 1, final: true });
  run(protocol.handleTranscript([segment('old')]));
  hear(ended('drain'), 200);
  run(protocol.handleTranscript([segment('new')]));
  take();
  run(protocol.handleTick(2000));
  run(protocol.handleOpen(2010));
  take();
  hear({ ...started(), session_id: 'other' }, 2020);
  assert.deepEqual(messages(take()), [{ type: 'transcript', segments: [segment('new')] }]);
});

test('sound that the line cost for good is told with its length', () => {
  const { protocol, run, hear } = live();
  run(protocol.handleAudio(new Int16Array(2 * RATE)));
  hear({ type: 'audio.ack', samples: 2 * RATE }, 100);
  run(protocol.handleClose(1006, 200));
  for (let s = 0; s < 30; s += 1) run(protocol.handleAudio(new Int16Array(RATE)));
  run(protocol.handleTick(20_000));
  run(protocol.handleOpen(20_010));
  const effects = protocol.handleMessage(JSON.stringify(started(0)), 20_020);
  // 32 s were said, the last 20 s are still here, and the first 2 s had been heard.
  assert.deepEqual(lostIn(effects), [10 * RATE]);
});

test('after a restart nobody could bridge, a new session takes over with all that was said meanwhile', () => {
  const { protocol, run, hear, log, take } = live();
  run(protocol.handleSnooze('come_closer'));
  hear({ type: 'go_away', time_left_s: 4, resumable: false }, 100);
  hear(ended('drain'), 200);
  assert.deepEqual(protocol.state, { kind: 'reconnecting', why: 'restart' });
  run(protocol.handleAudio(new Int16Array(3 * RATE)));
  take();
  run(protocol.handleTick(2000));
  assert.equal(log.opened, 2);
  run(protocol.handleOpen(2010));
  const [start] = messages(take());
  assert.equal(start?.type, 'session.start');
  assert.equal(start?.resume, undefined);
  hear({ ...started(), session_id: 'other' }, 2020);
  assert.equal(protocol.state.kind, 'live');
  const sent = take();
  assert.equal(samples(sent), 3 * RATE);
  assert.deepEqual(types(sent), ['prompt.snooze'], '"not now" holds for the visit');
});

test('a result that the patient asked for is shown, even if the server stops with it', () => {
  const { protocol, run, hear } = live();
  run(protocol.handleEnd(100));
  hear(ended('drain'), 200);
  assert.equal(endOf(protocol).reason, 'drain');
});

test('labels that judge nothing are refused instead of listened to', () => {
  const made = session();
  made.run(made.protocol.handleStart(0));
  made.run(made.protocol.handleOpen(10));
  made.take();
  const notices = [{ code: 'nothing_judged', zh: '', en: '' }];
  const [quality] = started().labels;
  made.hear({ ...started(), labels: [quality], notices }, 20);
  assert.equal(failureOf(made.protocol).code, FailureCode.INVALID_LABELS);
  assert.deepEqual(types(made.take()), ['session.end']);
  const other = session();
  other.run(other.protocol.handleStart(0));
  other.run(other.protocol.handleOpen(10));
  other.hear({ ...started(), notices }, 20);
  assert.equal(other.protocol.state.kind, 'live', 'a transcript may yet come for content labels');
});

test('other labels go out at once and with a session that takes over', () => {
  const { protocol, run, hear, take } = live();
  run(protocol.handleLabels('cardiology'));
  assert.deepEqual(take(), [{ type: 'labels.update', labels: 'cardiology' }]);
  hear(ended('drain'), 200);
  run(protocol.handleTick(2000));
  run(protocol.handleOpen(2010));
  assert.equal(messages(take())[0]?.labels, 'cardiology');
});
