/** The claims of the one timer of a page. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { onBeat } from '../../../web_client/clock/beat.js';

/** Timers that run when the test says so. */
class FakeTimers {
  running = /** @type {Set<() => void>} */ (new Set());
  later = /** @type {(() => void)[]} */ ([]);

  constructor() {
    const timers = /** @type {any} */ ({
      setInterval: (/** @type {() => void} */ act) => (this.running.add(act), act),
      clearInterval: (/** @type {() => void} */ act) => this.running.delete(act),
      setTimeout: (/** @type {() => void} */ act) => this.later.push(act),
    });
    Object.assign(globalThis, timers);
  }

  beat() {
    for (const act of this.running) act();
  }
}

const real = { setInterval, clearInterval, setTimeout };
test.afterEach(() => void Object.assign(globalThis, real));

test('all that look at the clock share one timer, which stops with the last of them', () => {
  const timers = new FakeTimers();
  const seen = /** @type {string[]} */ ([]);
  const stopFirst = onBeat(() => void seen.push('first'));
  const stopSecond = onBeat(() => void seen.push('second'));
  assert.equal(timers.running.size, 1);
  assert.deepEqual(seen, []);
  timers.beat();
  assert.deepEqual(seen, ['first', 'second']);
  stopFirst();
  stopFirst();
  timers.beat();
  assert.deepEqual(seen, ['first', 'second', 'second']);
  stopSecond();
  assert.equal(timers.running.size, 0);
});

test('it begins again after all have stopped', () => {
  const timers = new FakeTimers();
  onBeat(() => assert.fail('stopped'))();
  let beats = 0;
  const stop = onBeat(() => (beats += 1));
  timers.beat();
  timers.beat();
  stop();
  assert.equal(beats, 2);
});

test('who is stopped by another in the same beat is not called any more', () => {
  const timers = new FakeTimers();
  const stops = /** @type {(() => void)[]} */ ([]);
  stops.push(onBeat(() => stops.forEach((stop) => stop())));
  stops.push(onBeat(() => assert.fail('stopped')));
  timers.beat();
  assert.equal(timers.running.size, 0);
});

test('a fault of one is reported, and the others go on', () => {
  const timers = new FakeTimers();
  const fault = new Error('a fault');
  let beats = 0;
  const stopFaulty = onBeat(() => {
    throw fault;
  });
  const stopOther = onBeat(() => (beats += 1));
  timers.beat();
  assert.equal(beats, 1);
  assert.equal(timers.later.length, 1);
  assert.throws(timers.later[0] ?? assert.fail, fault);
  stopFaulty();
  stopOther();
});
