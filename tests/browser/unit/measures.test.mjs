import assert from 'node:assert/strict';
import { test } from 'node:test';

import { because, measureRows } from '../../../web_client/language/measures.js';

/** @import { Measures } from '../../../web_client/protocol/types.js' */

/** @param {Measures} measures @param {'en' | 'zh'} language */
const last = (measures, language) => measureRows(measures, language).at(-1);

test('pauses are told to the doctor with their number and the longest', () => {
  const measures = { pauses: { count: 3, longest_s: 1.24 } };
  assert.deepEqual(last(measures, 'en'), ['Pauses', '3, longest 1.2 s']);
  assert.deepEqual(last(measures, 'zh'), ['停顿', '3 次，最长 1.2 秒']);
});

test('no pause is 0, and no measure of pauses is a dash', () => {
  assert.equal(last({ pauses: { count: 0, longest_s: 0 } }, 'en')?.[1], '0');
  assert.equal(last({}, 'en')?.[1], '–');
});

test('the measure behind a score is told, and nothing where there is none', () => {
  const measures = { snr_db: -3.14, speech_rate_sps: 5.04 };
  assert.equal(because('low_background', measures, 'en'), 'signal-to-noise ratio −3.1 dB');
  assert.equal(because('moderate_pace', measures, 'zh'), '语速 5.0 音节/秒');
  assert.equal(because('close_enough', measures, 'en'), '');
  assert.equal(because('pain_location', measures, 'en'), '');
  assert.equal(because('toString', measures, 'en'), '');
});
