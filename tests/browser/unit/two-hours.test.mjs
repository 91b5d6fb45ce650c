import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { Meter } from '../../../web_client/meter/meter.js';
import { ObserverProtocol } from '../../../web_client/protocol/observer.js';
import { SessionProtocol } from '../../../web_client/protocol/session.js';
import { CAPTURE, level, snapshot, started, TEXT, update } from './messages.mjs';

/** @import { ServerMessage } from '../../../web_client/protocol/types.js' */

setFlagsFromString('--expose_gc');
const collect = /** @type {() => void} */ (runInNewContext('gc'));

const RATE = 16_000;
const FRAME = 320;
const HOUR = 3600;
const GROWTH = 100_000;

/** Bytes that are still needed. What has just been freed may take a few rounds to be counted. */
function kept() {
  for (let round = 0; round < 5; round += 1) collect();
  return process.memoryUsage().heapUsed;
}

/** What a server says in one second of a visit. @param {number} second @returns {ServerMessage[]} */
function said(second) {
  const prompt = { id: 'come_closer', label: 'low_background', text: TEXT, audience: /** @type {const} */ ('patient') };
  const messages = /** @type {ServerMessage[]} */ ([level(second % 3 > 0), update(second + 1)]);
  if (second % 60 === 10) messages.push({ type: 'prompt.raised', ...prompt });
  if (second % 60 === 30) messages.push({ type: 'prompt.cleared', ...prompt });
  return messages;
}

test('what a patient’s client keeps of the second hour is no more than of the first', () => {
  const protocol = new SessionProtocol({ sampleRate: RATE, capture: CAPTURE, language: 'en' }, () => 0);
  const meter = new Meter();
  let [sent, samples] = [0, 0];
  protocol.handleStart(0);
  protocol.handleOpen(10);
  protocol.handleMessage(JSON.stringify({ ...started(), resume_ttl_s: 60 }), 20);
  /** @param {number} from @param {number} to seconds */
  const last = (from, to) => {
    for (let second = from; second < to; second += 1) {
      for (let frame = 0; frame < RATE / FRAME; frame += 1) {
        for (const effect of protocol.handleAudio(new Int16Array(FRAME))) sent += Number(effect.do === 'send');
      }
      samples += RATE;
      const now = 1000 * (second + 1);
      protocol.handleMessage(JSON.stringify({ type: 'audio.ack', samples }), now);
      for (const message of said(second)) {
        protocol.handleMessage(JSON.stringify(message), now);
        meter.receive(message, now);
      }
      protocol.handleTick(now);
    }
  };
  last(0, HOUR);
  const before = kept();
  last(HOUR, 2 * HOUR);
  assert.ok(sent > HOUR, `${sent} chunks went out`);
  assert.equal(protocol.state.kind, 'live');
  const grown = kept() - before;
  assert.ok(grown < GROWTH, `${grown} bytes more`);
});

test('what a doctor’s client keeps of the second hour is no more than of the first', () => {
  const protocol = new ObserverProtocol(() => 0);
  const meter = new Meter();
  protocol.handleStart(0);
  protocol.handleOpen(10);
  protocol.handleMessage(JSON.stringify(snapshot()), 20);
  meter.receive(snapshot(), 20);
  /** @param {number} from @param {number} to seconds */
  const last = (from, to) => {
    for (let second = from; second < to; second += 1) {
      for (const message of said(second)) {
        protocol.handleMessage(JSON.stringify(message), 1000 * (second + 1));
        meter.receive(message, 1000 * (second + 1));
      }
    }
  };
  last(0, HOUR);
  const before = kept();
  last(HOUR, 2 * HOUR);
  assert.ok(meter.trend.length > 0);
  const grown = kept() - before;
  assert.ok(grown < GROWTH, `${grown} bytes more`);
});
