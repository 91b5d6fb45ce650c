import assert from 'node:assert/strict';
import { test } from 'node:test';

const RATE = 16_000;
const BLOCK = 128;

/** @type {any} */
let Capture;
Object.assign(globalThis, {
  sampleRate: RATE,
  AudioWorkletProcessor: class {
    port = { postMessage: (/** @type {unknown} */ data) => this.posted.push(data) };
    posted = /** @type {unknown[]} */ ([]);
  },
  registerProcessor: (/** @type {string} */ _, /** @type {unknown} */ processor) => (Capture = processor),
});
await import(new URL('../../../web_client/audio/worklet.js', import.meta.url).href);

/** @param {any} worklet @param {number} seconds @param {number} loudness @returns {{at: number, data: any}[]} */
function heard(worklet, seconds, loudness) {
  const posts = [];
  for (let at = 0; at < seconds * RATE; at += BLOCK) {
    const block = Float32Array.from({ length: BLOCK }, (_, k) => loudness * Math.sin((at + k) / 3));
    worklet.process([[block]]);
    for (const data of worklet.posted.splice(0)) posts.push({ at: (at + BLOCK) / RATE, data });
  }
  return posts;
}

test('of the far end five words a second leave the audio thread, and one more where it begins or ends to speak', () => {
  const worklet = new Capture({ processorOptions: { chunkS: 0.2, gated: true } });
  assert.deepEqual(
    heard(worklet, 2, 0).map(({ data }) => data),
    Array(10).fill(false),
  );
  const begun = heard(worklet, 2, 0.5);
  assert.equal(begun.length, 11);
  const first = begun.find(({ data }) => data);
  assert.ok(first && first.at < 0.09, 'after 80 ms, not with the next chunk');
  const ended = heard(worklet, 2, 0);
  assert.equal(ended.length, 11);
  const last = ended.find(({ data }) => !data);
  assert.ok(last && last.at < 0.41, 'after 400 ms');
});

test('a microphone is handed over 200 ms at a time, at the rate that is wanted', () => {
  const worklet = new Capture({ processorOptions: { chunkS: 0.2, highest: 8000 } });
  const chunks = heard(worklet, 1, 0.5).map(({ data }) => data.length);
  assert.deepEqual(chunks, Array(4).fill(1600), 'the fifth waits for 7 ms of the sound that follows');
});
