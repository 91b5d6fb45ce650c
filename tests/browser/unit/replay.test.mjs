import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ReplayBuffer } from '../../../web_client/protocol/replay.js';
import { Uplink } from '../../../web_client/protocol/uplink.js';

/** Samples that say which they are. @param {number} from @param {number} count */
const ramp = (from, count) => Int16Array.from({ length: count }, (_, i) => (from + i) % 30000);

test('keeps the newest samples under their index, whatever the pieces', () => {
  for (const piece of [1, 7, 64, 100, 333, 1000]) {
    const buffer = new ReplayBuffer(100);
    for (let at = 0; at < 1000; at += piece) buffer.append(ramp(at, Math.min(piece, 1000 - at)));
    assert.equal(buffer.end, 1000);
    assert.equal(buffer.start, 900);
    assert.deepEqual(buffer.read(900, 100), ramp(900, 100));
    assert.deepEqual(buffer.read(950, 7), ramp(950, 7));
  }
});

test('reading what is gone is an error, not somebody else’s sound', () => {
  const buffer = new ReplayBuffer(10);
  buffer.append(ramp(0, 25));
  assert.throws(() => buffer.read(14, 1), RangeError);
  assert.throws(() => buffer.read(26, 1), RangeError);
  assert.equal(buffer.read(25, 5).length, 0);
});

/** What an uplink gives: samples lost, and samples to send. @param {Uplink} uplink */
function drain(uplink) {
  const sent = /** @type {number[]} */ ([]);
  let gap = 0;
  for (const piece of uplink.take()) {
    if ('gap' in piece) gap += piece.gap;
    else if ('pcm' in piece) sent.push(...piece.pcm);
  }
  return { gap, sent };
}

test('each sample is sent once', () => {
  const uplink = new Uplink(1000);
  uplink.append(ramp(0, 450));
  assert.deepEqual(drain(uplink).sent, [...ramp(0, 450)]);
  uplink.append(ramp(450, 30));
  assert.deepEqual(drain(uplink), { gap: 0, sent: [...ramp(450, 30)] });
  assert.ok(uplink.isEmpty);
});

test('after a rewind everything from there comes again', () => {
  const uplink = new Uplink(1000);
  uplink.append(ramp(0, 5000));
  drain(uplink);
  uplink.rewind(2000);
  assert.deepEqual(drain(uplink), { gap: 0, sent: [...ramp(2000, 3000)] });
});

test('what is no longer here is told as a gap, in its place', () => {
  const uplink = new Uplink(1000);
  uplink.append(ramp(0, 29_000));
  uplink.rewind(4000);
  const { gap, sent } = drain(uplink);
  assert.equal(gap, 5000);
  assert.deepEqual(sent.slice(0, 3), [9000, 9001, 9002]);
});

test('a server that acknowledges nothing gets 15 s, and the rest when it does', () => {
  const uplink = new Uplink(1000);
  uplink.append(ramp(0, 18_000));
  assert.equal(drain(uplink).sent.length, 15_000);
  assert.equal(drain(uplink).sent.length, 0);
  uplink.acknowledge(2000);
  assert.equal(drain(uplink).sent.length, 2000);
  uplink.acknowledge(1000);
  assert.equal(drain(uplink).sent.length, 0, 'an acknowledgement never goes back');
});
