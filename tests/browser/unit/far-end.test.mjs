import assert from 'node:assert/strict';
import { test } from 'node:test';

import { FarEndGate } from '../../../web_client/audio/far-end-gate.js';

/** 40 ms at 16 kHz. @param {number} dbfs */
function chunk(dbfs) {
  const peak = 32768 * 10 ** (dbfs / 20) * Math.SQRT2;
  return Int16Array.from({ length: 640 }, (_, i) => Math.round(peak * Math.sin((2 * Math.PI * 220 * i) / 16_000)));
}

/** @param {FarEndGate} gate @param {number} dbfs @param {number} chunks */
function hear(gate, dbfs, chunks) {
  return Array.from({ length: chunks }, () => gate.take(chunk(dbfs)));
}

test('the far end speaks from 80 ms on, and no longer 400 ms after its last word', () => {
  const gate = new FarEndGate();
  assert.ok(hear(gate, -70, 50).every((speaking) => !speaking));
  assert.deepEqual(hear(gate, -25, 3), [false, true, true]);
  assert.ok(hear(gate, -70, 9).every(Boolean), 'a pause between words');
  assert.equal(hear(gate, -70, 1)[0], false);
});

test('the noise of a line is no speech, and speech above it is', () => {
  const gate = new FarEndGate();
  hear(gate, -44, 2000);
  assert.equal(gate.speaking, false, 'believed to be noise once it lasted');
  assert.ok(hear(gate, -30, 2).at(-1));
});

test('digital silence never speaks', () => {
  const gate = new FarEndGate();
  for (let i = 0; i < 20; i += 1) assert.equal(gate.take(new Int16Array(640)), false);
});
