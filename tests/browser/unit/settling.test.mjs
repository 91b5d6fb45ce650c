import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SETTLE_MS, Settling } from '../../../web_client/audio/settling.js';

const ZEROS = Int16Array.of(0, 0, 0, 0);

test('zeros between a pause and the first sound are left out', () => {
  const settling = new Settling();
  settling.released(1000);
  assert.equal(settling.take(ZEROS, 1040).length, 0);
  assert.deepEqual([...settling.take(Int16Array.of(0, 0, 5, 0), 1080)], [5, 0]);
  assert.equal(settling.take(ZEROS, 1120), ZEROS, 'zeros after the first sound are the device’s own');
});

test('zeros that last, or come without a pause, are passed on', () => {
  const settling = new Settling();
  assert.equal(settling.take(ZEROS, 0), ZEROS);
  settling.released(1000);
  assert.equal(settling.take(ZEROS, 1001 + SETTLE_MS), ZEROS);
});
