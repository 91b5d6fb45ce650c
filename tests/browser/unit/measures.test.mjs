import assert from 'node:assert/strict';
import { test } from 'node:test';

import { measureRows } from '../../../web_client/language/measures.js';

const last = (/** @type {any} */ measures, /** @type {'en' | 'zh'} */ language) =>
  measureRows(measures, language).at(-1);

test('pauses are told to the doctor with their number and the longest', () => {
  const measures = { pauses: { count: 3, longest_s: 1.24, ratio: 0.2 } };
  assert.deepEqual(last(measures, 'en'), ['Pauses', '3, longest 1.2 s']);
  assert.deepEqual(last(measures, 'zh'), ['停顿', '3 次，最长 1.2 秒']);
});

test('no pause is 0, and no measure of pauses is a dash', () => {
  assert.equal(last({ pauses: { count: 0, longest_s: 0, ratio: 0 } }, 'en')?.[1], '0');
  assert.equal(last({}, 'en')?.[1], '–');
});
