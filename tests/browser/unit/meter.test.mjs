import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Meter } from '../../../web_client/meter/meter.js';
import { gradeOf } from '../../../web_client/meter/rows.js';
import { shortCode } from '../../../web_client/meter/short-code.js';
import { FailureCode } from '../../../web_client/protocol/failures.js';
import { ObserverProtocol } from '../../../web_client/protocol/observer.js';
import { CAPTURE, ended, level, refusal, snapshot, TEXT, update } from './messages.mjs';

/**
 * @import { Effect } from '../../../web_client/protocol/effects.js'
 * @import { Label, ServerMessage, Snapshot } from '../../../web_client/protocol/types.js'
 */

const speaking = level(true);
const silent = level(false);

/** A meter of somebody who watches. @param {Partial<Snapshot>} more */
function watching(more = {}) {
  const meter = new Meter();
  meter.receive(snapshot(more), 0);
  return meter;
}

test('what a doctor asks stays for its time, whatever the scores are', () => {
  const meter = watching();
  const asked = { id: 'come_closer', label: 'low_background', text: TEXT, audience: /** @type {const} */ ('patient') };
  meter.receive({ type: 'prompt.raised', ...asked, source: 'doctor' }, 0);
  for (let seq = 1; seq < 20; seq += 1) meter.receive(update(seq), 1000 * seq);
  assert.deepEqual([...meter.prompts.keys()], ['come_closer']);
  meter.receive({ type: 'prompt.cleared', ...asked, source: 'doctor' }, 20_000);
  assert.equal(meter.prompts.size, 0);
});

test('the last value is no longer shown after 2.5 s without a new one', () => {
  const meter = watching();
  assert.deepEqual(meter.reading(0, true), { grade: 'nodata', cause: 'waiting' });
  meter.receive(speaking, 1000);
  meter.receive(update(1), 1000);
  assert.deepEqual(meter.reading(3500, true), { grade: 'clear', cause: null });
  meter.receive(speaking, 3400);
  assert.deepEqual(meter.reading(3501, true), { grade: 'nodata', cause: 'stale' });
});

test('sound that stops arriving is the patient’s line, not a slow server, until the server says more', () => {
  const meter = watching();
  meter.receive(speaking, 1000);
  meter.receive(update(1), 1000);
  assert.equal(meter.reading(3500, true).cause, null);
  assert.equal(meter.reading(3501, true).cause, 'line');
  meter.receive({ type: 'session.state', state: 'reconnecting', left: true }, 9000);
  assert.equal(meter.reading(9000, true).cause, 'left');
  meter.receive({ type: 'session.state', state: 'live' }, 20_000);
  meter.receive(speaking, 22_000);
  assert.equal(meter.reading(22_100, true).cause, 'stale');
});

test('who comes late has the last minute, what was declined, and what is to be asked again', () => {
  const spans = [{ start_s: 1, end_s: 4, why: 'lost' }];
  const trend = [
    { at_s: 3, score: 0.4 },
    { at_s: 4, score: null },
  ];
  const sendable = [{ id: 'come_closer', text: { zh: '近一点', en: 'Closer' } }];
  const meter = watching({ update: update(2, { spans }), trend, sendable, declined: ['come_closer'] });
  assert.deepEqual(meter.trend, trend);
  assert.deepEqual(meter.spans, spans);
  assert.deepEqual(meter.nudging.declinedTexts('en'), ['Closer']);
  meter.receive({ type: 'prompt.declined', ids: [] }, 0);
  assert.deepEqual(meter.nudging.declinedTexts('en'), []);
});

test('a session that a restart ended is not told as one that is over', () => {
  const meter = watching();
  assert.equal(meter.restarted, false);
  meter.receive(ended('drain'), 0);
  assert.equal(meter.restarted, true);
});

test('network, pause, a silent microphone and a silent patient are told apart', () => {
  const fresh = () => {
    const meter = watching();
    meter.receive(speaking, 1000);
    meter.receive(update(1), 1000);
    return meter;
  };
  assert.equal(fresh().reading(1100, false).cause, 'network');
  /** @type {[ServerMessage, string][]} */
  const causes = [
    [{ type: 'session.state', state: 'reconnecting' }, 'network'],
    [{ type: 'session.state', state: 'paused' }, 'paused'],
    [{ type: 'warning', code: 'silent_input' }, 'silent'],
  ];
  for (const [message, cause] of causes) {
    const meter = fresh();
    meter.receive(message, 1100);
    assert.deepEqual(meter.reading(1200, true), { grade: 'nodata', cause });
  }
  const quiet = fresh();
  quiet.receive(silent, 1200);
  quiet.receive(update(2), 2000);
  assert.equal(quiet.reading(2100, true).cause, null, 'a short pause is none');
  quiet.receive(update(3), 4000);
  assert.deepEqual(quiet.reading(4000, true), { grade: 'nodata', cause: 'quiet' });
  quiet.receive(speaking, 4100);
  assert.equal(quiet.reading(4100, true).cause, null);
});

test('who listens is silent, and is not hard to hear at the first word', () => {
  /** @type {Label} */
  const present = { id: 'speech_present', kind: 'quality', threshold: 0.7, title: TEXT };
  const meter = watching({ labels: [...snapshot().labels, present] });
  meter.receive(silent, 900);
  meter.receive(update(1, { grade: 'poor', speech: 0 }), 1000);
  assert.deepEqual(meter.reading(1000, true), { grade: 'nodata', cause: 'quiet' });
  meter.receive(speaking, 1900);
  meter.receive(update(2, { grade: 'poor', present: 0.2 }), 2000);
  assert.deepEqual(meter.reading(2000, true), { grade: 'nodata', cause: 'quiet' }, 'a fifth of a second tells nothing');
  meter.receive(update(3, { grade: 'poor', present: 0.8 }), 3000);
  assert.deepEqual(meter.reading(3000, true), { grade: 'poor', cause: null });
});

test('a silent microphone is forgiven at the first word', () => {
  const meter = watching({ warnings: ['silent_input'] });
  assert.equal(meter.reading(0, true).cause, 'silent');
  meter.receive(speaking, 10);
  assert.deepEqual(meter.warnings(20), []);
});

test('the worst label comes first, those without a score last, content not at all', () => {
  const meter = watching();
  meter.receive(update(1, { noise: 0.2, grade: 'poor' }), 0);
  assert.deepEqual(
    meter.rows().map(({ id }) => id),
    ['low_background', 'close_enough', 'no_crosstalk'],
  );
  assert.deepEqual(
    meter.content().map(({ id }) => id),
    ['pain_location'],
  );
});

test('the trend holds 60 s, and has a hole where nobody spoke', () => {
  const meter = watching();
  for (let seq = 1; seq <= 100; seq += 1) {
    meter.receive(update(seq, { noise: 0.5, speech: seq === 90 ? 0 : 1 }), seq * 1000);
  }
  assert.equal(meter.trend.length, 61);
  assert.equal(meter.trend.at(-1)?.score, 0.5);
  assert.equal(meter.trend.at(-11)?.score, null);
});

test('what to ask again is what the server tells, also to a doctor who comes late', () => {
  const spans = [{ start_s: 3, end_s: 8, why: 'low_background' }];
  const meter = watching();
  meter.receive(update(5, { noise: 0.1 }), 5000);
  assert.deepEqual(meter.spans, []);
  meter.receive(update(6, { spans }), 6000);
  assert.deepEqual(meter.spans, spans);
  meter.receive(update(7), 7000);
  assert.deepEqual(meter.spans, [], 'a stretch may prove too short');
  assert.deepEqual(watching({ update: update(6, { spans }) }).spans, spans);
});

test('sound that the browser processes, or may process, is marked', () => {
  assert.equal(watching().processed, false);
  assert.equal(watching({ capture: { source: 'microphone' } }).processed, true);
  assert.equal(watching({ capture: { ...CAPTURE, noiseSuppression: true } }).processed, true);
  assert.equal(watching({ capture: { source: 'file' } }).processed, false);
});

test('grades of a single label follow its own line', () => {
  assert.deepEqual(
    [0.9, 0.7, 0.69, 0.35, 0.34, null].map((score) => gradeOf(score, 0.7)),
    ['clear', 'clear', 'usable', 'usable', 'poor', 'nodata'],
  );
  assert.equal(shortCode('a1-b2_c3d4'), 'A1B2C3');
});

test('an observer takes each update once, and starts over at a new snapshot', () => {
  const observer = new ObserverProtocol(() => 0);
  const seen = /** @type {(string | number)[]} */ ([]);
  /** @param {Effect[]} effects */
  const run = (effects) => {
    for (const effect of effects) {
      if (effect.do === 'emit') seen.push('seq' in effect.message ? effect.message.seq : effect.message.type);
    }
  };
  /** @param {object} message @param {number} now */
  const say = (message, now) => run(observer.handleMessage(JSON.stringify(message), now));
  run(observer.handleStart(0));
  run(observer.handleOpen(1));
  say(snapshot({ update: update(7) }), 2);
  for (const seq of [6, 7, 8, 8, 9]) say(update(seq), 3);
  run(observer.handleClose(1001, 10));
  assert.equal(observer.state.kind, 'reconnecting');
  run(observer.handleTick(10));
  run(observer.handleOpen(20));
  say(snapshot({ update: update(12) }), 21);
  say(update(12), 22);
  say(update(13), 23);
  assert.deepEqual(seen, ['state', 'state', 'snapshot', 8, 9, 'state', 'state', 'snapshot', 13]);
});

test('an observer of an unknown session is told so and stays away', () => {
  const observer = new ObserverProtocol(() => 0);
  observer.handleStart(0);
  observer.handleOpen(1);
  observer.handleMessage(JSON.stringify(refusal('unknown_session')), 2);
  observer.handleClose(4404, 3);
  assert.deepEqual(observer.state, { kind: 'failed', failure: { code: FailureCode.UNKNOWN_SESSION, detail: '' } });
  assert.deepEqual(observer.handleTick(99_999), []);
});

test('one prompt at a time to the patient, and none that outlived its clearing', () => {
  const meter = watching();
  /** @param {string} id @param {string} label @param {'patient' | 'doctor'} audience */
  const raise = (id, label, audience = 'patient') =>
    meter.receive({ type: 'prompt.raised', id, label, audience, text: TEXT }, 0);
  const up = () => [...meter.prompts.keys()];
  raise('come_closer', 'close_enough');
  raise('reduce_echo', 'low_reverberation', 'doctor');
  raise('move_somewhere_quieter', 'low_background');
  assert.deepEqual(up(), ['reduce_echo', 'move_somewhere_quieter']);
  for (let seq = 1; seq <= 6; seq += 1) meter.receive(update(seq, { noise: seq === 3 ? 0.5 : 0.9 }), 0);
  assert.equal(up().length, 2, 'the server’s word is waited for');
  for (let seq = 7; seq <= 10; seq += 1) meter.receive(update(seq), 0);
  assert.deepEqual(up(), ['reduce_echo']);
});
