import assert from 'node:assert/strict';
import { test } from 'node:test';

import { joined } from '../../../web_client/meter/events.js';
import { TEXT } from './messages.mjs';

/** @param {number} start_s @param {number} end_s @param {string} id */
const cough = (start_s, end_s, id = 'coughing') => ({ id, title: TEXT, start_s, end_s, score: 0.5 });

test('an event whose end moves is one event, and takes the place of what was known of it', () => {
  const first = joined([], [cough(12, 14)]);
  assert.deepEqual(joined(first, [cough(12, 15)]), [cough(12, 15)]);
  assert.deepEqual(joined(first, [cough(8, 13)]), [cough(8, 13)]);
});

test('another event, and the same sound elsewhere, stand beside it in the order of time', () => {
  const known = [cough(12, 13), cough(12, 13, 'crying')];
  assert.deepEqual(joined(known, [cough(5, 6)]), [cough(5, 6), ...known]);
  assert.deepEqual(joined(known, []), known);
});

test('what is known is not changed, and does not grow for ever', () => {
  const known = Array.from({ length: 100 }, (_, i) => cough(2 * i, 2 * i + 1));
  const later = joined(known, [cough(300, 301)]);
  assert.equal(known.length, 100);
  assert.equal(later.length, 100);
  assert.equal(later.at(-1)?.start_s, 300);
});
