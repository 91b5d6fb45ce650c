import assert from 'node:assert/strict';
import { test } from 'node:test';

import { configOf, highestOf } from '../../../web_client/client/session-config.js';
import { mulaw } from '../../../web_client/protocol/g711.js';
import { SessionProtocol } from '../../../web_client/protocol/session.js';
import { CAPTURE, started } from './messages.mjs';

/**
 * @import { LineOption } from '../../../web_client/client/session-config.js'
 * @import { Effect } from '../../../web_client/protocol/effects.js'
 */

const RATES = { full: 16_000, half: 16_000, narrow: 8000 };

/** Samples that say which they are, all different as bytes of mu-law. @param {number} from @param {number} count */
const ramp = (from, count) => Int16Array.from({ length: count }, (_, i) => ((from + i) * 97) % 32_000);

/** What is sent of a sound: how it was declared, and its bytes. @param {LineOption} line */
function sending(line) {
  const sampleRate = RATES[line];
  const protocol = new SessionProtocol(configOf({}, line, { sampleRate, capture: CAPTURE }), () => 0);
  /** @param {Effect[]} effects */
  const take = (effects) => effects.flatMap((effect) => (effect.do === 'send' ? [effect.data] : []));
  const bytes = (/** @type {(string | ArrayBuffer)[]} */ sent) =>
    sent.flatMap((data) => (typeof data === 'string' ? [] : [...new Uint8Array(data)]));
  protocol.handleStart(0);
  const [declared] = take(protocol.handleOpen(0));
  take(protocol.handleMessage(JSON.stringify(started()), 0));
  return { protocol, sampleRate, take, bytes, declared: JSON.parse(String(declared)) };
}

test('a second is 32,000 bytes over a full line, 16,000 over half a one, 8,000 over a narrow one', () => {
  for (const [line, expected] of /** @type {[LineOption, number][]} */ ([
    ['full', 32_000],
    ['half', 16_000],
    ['narrow', 8000],
  ])) {
    const { protocol, sampleRate, take, bytes } = sending(line);
    const sent = take(protocol.handleAudio(ramp(0, sampleRate)));
    assert.equal(bytes(sent).length, expected, line);
    assert.equal(sent.length, 10, 'a message for each 100 ms');
  }
});

test('what is sent is declared: half a line as a microphone, a narrow one as a telephone', () => {
  assert.deepEqual(sending('full').declared.audio, { encoding: 'pcm_s16le', sample_rate: 16_000 });
  assert.deepEqual(sending('half').declared.audio, { encoding: 'mulaw', sample_rate: 16_000 });
  assert.deepEqual(sending('half').declared.capture, CAPTURE);
  assert.deepEqual(sending('narrow').declared.audio, { encoding: 'mulaw', sample_rate: 8000 });
  assert.deepEqual(sending('narrow').declared.capture, { ...CAPTURE, source: 'telephone' });
  assert.deepEqual(
    ['full', 'half', 'narrow'].map((line) => highestOf(/** @type {LineOption} */ (line))),
    [undefined, 16_000, 8000],
  );
});

test('over a narrow line a browser that does not say what it does to the sound is not believed to do nothing', () => {
  const granted = { sampleRate: 8000, capture: /** @type {const} */ ({ source: 'microphone' }) };
  const { capture } = configOf({}, 'narrow', granted);
  assert.deepEqual(capture, { source: 'telephone', noiseSuppression: true, autoGainControl: true });
});

for (const line of /** @type {LineOption[]} */ (['full', 'half', 'narrow'])) {
  test(`4 s without a network lose nothing over a ${line} line`, () => {
    const { protocol, sampleRate, take, bytes } = sending(line);
    const heard = bytes(take(protocol.handleAudio(ramp(0, 2 * sampleRate))));
    protocol.handleClose(1006, 2000);
    assert.deepEqual(take(protocol.handleAudio(ramp(2 * sampleRate, 4 * sampleRate))), []);
    protocol.handleTick(6500);
    const [again] = take(protocol.handleOpen(6600));
    assert.ok(JSON.parse(String(again)).resume);
    const whole = { ...started(), next_sample: sampleRate }; // the server holds a second of the two
    const sent = take(protocol.handleMessage(JSON.stringify(whole), 6700));
    assert.ok(
      sent.every((data) => typeof data !== 'string'),
      'no gap',
    );
    const perSample = line === 'full' ? 2 : 1;
    const said = ramp(0, 6 * sampleRate);
    const expected = line === 'full' ? [...new Uint8Array(said.buffer)] : [...mulaw(said)];
    assert.deepEqual([...heard.slice(0, sampleRate * perSample), ...bytes(sent)], expected);
  });
}

test('a byte of mu-law is that of G.711: silence, full scale, and each code of each of its samples', () => {
  assert.deepEqual([...mulaw(Int16Array.of(0, 32_767, -32_768, 132, -132))], [0xff, 0x80, 0x00, 0xef, 0x6f]);
  /** The sample of a code, as of the decoder (server/stream/g711.py). @param {number} byte */
  const sampleOf = (byte) => {
    const code = ~byte & 0xff;
    const size = ((((code & 15) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84;
    return code & 0x80 ? -size : size;
  };
  const codes = Array.from({ length: 256 }, (_, code) => code).filter((code) => code !== 0x7f); // minus zero
  assert.deepEqual([...mulaw(Int16Array.from(codes, sampleOf))], codes);
});
