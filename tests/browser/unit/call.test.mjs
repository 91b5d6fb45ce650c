import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CallProtocol } from '../../../web_client/protocol/call.js';
import { FailureCode } from '../../../web_client/protocol/failures.js';

/**
 * @import { CallNews } from '../../../web_client/protocol/call.js'
 * @import { Effect } from '../../../web_client/protocol/effects.js'
 */

/** One side of a call, and everything it wanted done. */
function side(seat = '') {
  const protocol = new CallProtocol({ seat, random: () => 0 });
  const log = { sent: /** @type {any[]} */ ([]), news: /** @type {string[]} */ ([]), opened: 0, closed: 0 };
  /** @param {Effect<CallNews>[]} effects */
  const run = (effects) => {
    for (const effect of effects) {
      if (effect.do === 'open') log.opened += 1;
      if (effect.do === 'close') log.closed += 1;
      if (effect.do === 'send' && typeof effect.data === 'string') log.sent.push(JSON.parse(effect.data));
      if (effect.do === 'emit') {
        const { message } = effect;
        log.news.push(message.type === 'state' ? message.state.kind : message.type);
      }
    }
    return log;
  };
  /** @param {object} message @param {number} now */
  const hear = (message, now) => run(protocol.handleMessage(JSON.stringify(message), now));
  return { protocol, run, hear, log, news: () => log.news.splice(0), sent: () => log.sent.splice(0) };
}

/** @param {Partial<{present: boolean, meeting: number, seat: string}>} [more] */
const joined = (more) => ({
  type: 'call.joined',
  role: 'patient',
  seat: 'mine',
  present: false,
  meeting: 1,
  ice_servers: [],
  ...more,
});

/** @param {ReturnType<typeof side>} one @param {object} [more] */
function begin(one, more) {
  one.run(one.protocol.handleStart(0));
  one.run(one.protocol.handleOpen(10));
  one.hear(joined(more), 20);
}

test('a side joins, waits, and meets the other when it comes', () => {
  const one = side();
  begin(one);
  assert.deepEqual(one.sent(), [{ type: 'call.join' }]);
  assert.deepEqual(one.news(), ['connecting', 'parted', 'waiting']);
  one.hear({ type: 'call.peer', present: true, meeting: 2 }, 30);
  assert.deepEqual(one.news(), ['together', 'met']);
  one.run(one.protocol.handleSignal({ candidate: 'a' }, 40));
  assert.deepEqual(one.sent(), [{ type: 'call.signal', meeting: 2, signal: { candidate: 'a' } }]);
});

test('a signal of a former meeting is dropped', () => {
  const one = side();
  begin(one, { present: true, meeting: 5 });
  one.news();
  one.hear({ type: 'call.signal', meeting: 4, signal: {} }, 30);
  assert.deepEqual(one.news(), []);
  one.hear({ type: 'call.signal', meeting: 5, signal: {} }, 30);
  assert.deepEqual(one.news(), ['signal']);
});

test('nothing is said to a side that has gone', () => {
  const one = side();
  begin(one, { present: true });
  one.sent();
  one.hear({ type: 'call.peer', present: false, meeting: 1, left: true }, 30);
  one.run(one.protocol.handleSignal({}, 40));
  assert.deepEqual(one.sent(), []);
  assert.deepEqual(one.protocol.state, { kind: 'waiting', left: true });
});

test('who comes back after a broken line shows the seat', () => {
  const one = side();
  begin(one);
  one.sent();
  one.run(one.protocol.handleClose(1006, 100));
  assert.equal(one.protocol.state.kind, 'reconnecting');
  one.run(one.protocol.handleTick(1000));
  assert.equal(one.log.opened, 2);
  one.run(one.protocol.handleOpen(1010));
  assert.deepEqual(one.sent(), [{ type: 'call.join', seat: 'mine' }]);
});

test('who comes back after a reload shows the seat that the tab kept', () => {
  const one = side('kept');
  begin(one);
  assert.deepEqual(one.sent(), [{ type: 'call.join', seat: 'kept' }]);
});

test('a line on which nothing arrives for three seconds is opened anew', () => {
  const one = side();
  begin(one);
  one.run(one.protocol.handleTick(2900));
  assert.equal(one.protocol.state.kind, 'waiting');
  one.run(one.protocol.handleTick(3100));
  assert.equal(one.protocol.state.kind, 'reconnecting');
});

test('a refusal ends the call with the code of the server', () => {
  const one = side();
  one.run(one.protocol.handleStart(0));
  one.run(one.protocol.handleOpen(10));
  one.hear({ type: 'error', error: { code: 'token_used', message: '' } }, 20);
  one.run(one.protocol.handleClose(4403, 30));
  assert.deepEqual(one.protocol.state, {
    kind: 'failed',
    failure: { code: FailureCode.TOKEN_USED, detail: '' },
  });
  assert.deepEqual(one.run(one.protocol.handleTick(99_000)).opened, 1);
});

test('a side that says nothing keeps its line alive', () => {
  const one = side();
  begin(one);
  one.sent();
  for (let now = 1000; now <= 16_000; now += 1000) {
    one.hear({ type: 'heartbeat' }, now);
    one.run(one.protocol.handleTick(now));
  }
  assert.deepEqual(one.sent(), [{ type: 'keepalive' }]);
});

test('who hangs up says so before the line closes, once', () => {
  const one = side();
  begin(one, { present: true });
  one.sent();
  one.news();
  one.run(one.protocol.handleLeave(50));
  assert.deepEqual(one.sent(), [{ type: 'call.leave' }]);
  assert.deepEqual(one.news(), ['parted', 'ended']);
  assert.equal(one.log.closed, 1);
  assert.deepEqual(one.protocol.handleLeave(60), []);
  assert.deepEqual(one.protocol.handleClose(1000, 70), []);
});

test('that the other side hung up is known after a broken line too', () => {
  const one = side();
  begin(one, { present: true });
  one.hear({ type: 'call.peer', present: false, meeting: 1, left: true }, 30);
  one.run(one.protocol.handleClose(1006, 40));
  one.run(one.protocol.handleTick(1000));
  one.run(one.protocol.handleOpen(1010));
  one.hear(joined(), 1020);
  assert.deepEqual(one.protocol.state, { kind: 'waiting', left: true });
});
