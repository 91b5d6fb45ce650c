import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Resampler } from '../../../web_client/audio/resampler.js';

/** @param {number} hz @param {number} rate @param {number} seconds */
const tone = (hz, rate, seconds = 0.5) =>
  Float32Array.from({ length: rate * seconds }, (_, k) => 0.5 * Math.sin((2 * Math.PI * hz * k) / rate));

/** @param {Resampler} resampler @param {Float32Array} sound @param {number} size of a block */
function resampled(resampler, sound, size = 128) {
  const out = [];
  for (let at = 0; at < sound.length; at += size) out.push(...resampler.take(sound.subarray(at, at + size)));
  return out;
}

/** dB against the tone that went in. @param {number} hz @param {number} from @param {number} to */
function gain(hz, from, to) {
  const out = resampled(new Resampler(from, to), tone(hz, from)).slice(to * 0.1, to * 0.4);
  const power = out.reduce((sum, sample) => sum + sample * sample, 0) / out.length;
  return 10 * Math.log10(power / 0.125 + 1e-12);
}

for (const [from, to] of /** @type {[number, number][]} */ ([
  [16_000, 8000],
  [44_100, 8000],
  [48_000, 8000],
  [44_100, 16_000],
  [48_000, 16_000],
])) {
  test(`from ${from} to ${to} Hz nine tenths of the band pass, nothing above it comes back`, () => {
    for (const share of [0.05, 0.5, 0.89]) assert.ok(Math.abs(gain((share * to) / 2, from, to)) < 0.1, `${share}`);
    const above = [1.01, 1.1, 1.5, 1.9].map((share) => (share * to) / 2).filter((hz) => hz < from / 2);
    for (const hz of above) assert.ok(gain(hz, from, to) < -70, `${hz} Hz: ${gain(hz, from, to)} dB`);
  });
}

test('how the sound is cut into blocks changes nothing, and no time is lost', () => {
  const sound = tone(440, 44_100);
  const whole = resampled(new Resampler(44_100, 8000), sound, 1024);
  for (const size of [1, 7, 128]) assert.deepEqual(resampled(new Resampler(44_100, 8000), sound, size), whole);
  assert.ok(Math.abs(whole.length - 4000) < 8000 * 0.008, 'but for what waits in the filter');
});

test('after a pause nothing of the sound before it is heard', () => {
  const resampler = new Resampler(48_000, 16_000);
  resampled(resampler, tone(440, 48_000));
  resampler.clear();
  assert.ok(resampled(resampler, new Float32Array(4800)).every((sample) => sample === 0));
});
