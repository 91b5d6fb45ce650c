import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DEAD_AFTER_MS, isFinalClose, Line, RETRY_DELAYS_MS } from '../../../web_client/protocol/line.js';

const steady = () => 0;

function openLine(random = steady) {
  const line = new Line(random);
  line.want(0, 20_000);
  line.opened(0);
  line.heard(0);
  line.answered();
  return line;
}

test('what would be refused again is never retried', () => {
  for (const code of [1000, 1002, 1007, 1009, 4400, 4401, 4403, 4404, 4408, 4409, 4410, 4429, 4499]) {
    assert.ok(isFinalClose(code), `${code}`);
  }
  for (const code of [1001, 1005, 1006, 1011, 1012, 4503, 4500]) assert.ok(!isFinalClose(code), `${code}`);
});

test('a line without a message for 3 s is dead, and not a moment earlier', () => {
  const line = openLine();
  for (let now = 0; now <= DEAD_AFTER_MS; now += 250) assert.equal(line.tick(now), 'nothing');
  assert.equal(line.tick(DEAD_AFTER_MS + 1), 'dead');
});

test('a page that slept does not take its own sleep for a dead line', () => {
  const line = openLine();
  line.tick(250);
  assert.equal(line.tick(60_000), 'nothing');
  for (let now = 60_250; now <= 63_000; now += 250) assert.equal(line.tick(now), 'nothing');
  assert.equal(line.tick(63_250), 'dead');
});

test('retries wait longer each time, with jitter, and stop in the end', () => {
  const waits = /** @type {number[]} */ ([]);
  const line = openLine(() => 0.5);
  let now = 1000;
  line.lost(now, { giveUpAt: 40_000 });
  for (let said = 'nothing', since = now; said !== 'give up'; now += 10) {
    said = line.tick(now);
    if (said !== 'open') continue;
    waits.push(now - since);
    line.lost(now);
    since = now;
  }
  const expected = RETRY_DELAYS_MS.map((ms, i) => ms + (i ? 500 : 125));
  assert.ok(waits.length >= expected.length);
  expected.forEach((ms, i) => assert.ok(Math.abs((waits[i] ?? 0) - ms) <= 20, `${waits[i]} for ${ms}`));
  assert.ok(now >= 40_000 && now < 40_100);
});

test('an answer makes the next loss start anew', () => {
  const line = openLine();
  line.lost(1000, { giveUpAt: 9000 });
  assert.equal(line.tick(1000), 'open');
  line.opened(1100);
  line.heard(1100);
  line.answered();
  line.lost(20_000, { giveUpAt: 29_000 });
  assert.equal(line.tick(20_000), 'open');
});

test('a server that names a time is not asked before it', () => {
  const line = openLine();
  line.lost(0, { giveUpAt: 60_000, atLeastMs: 5000 });
  for (let now = 0; now < 5000; now += 250) assert.equal(line.tick(now), 'nothing');
  assert.equal(line.tick(5000), 'open');
});
