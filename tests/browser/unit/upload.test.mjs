import assert from 'node:assert/strict';
import { test } from 'node:test';

import { csvOf, jsonOf } from '../../../web_client/pages/upload-table.js';
import { paired } from '../../../web_client/pages/transcripts.js';
import { UploadQueue } from '../../../web_client/pages/upload-queue.js';
import { AssessError } from '../../../web_client/transport/assess.js';

const RESULT = /** @type {any} */ ({
  overall: { score: 0.5, verdict: 're-record', grade: 'usable' },
  advice: { zh: '请靠近话筒', en: 'Come closer, "please"' },
  labels: { low_background: { title: { zh: '无背景强干扰', en: 'No noise' }, score: 0.9 } },
});

/** Every recording waits until it is told what became of it. */
class Server {
  sent = /** @type {any[]} */ ([]);
  later = /** @type {(() => void)[]} */ ([]);
  queue = new UploadQueue(
    ({ file }, onSent) => {
      const cancel = () => told.fail(new AssessError({ code: 'other', detail: 'cancelled' }, true));
      const told = /** @type {any} */ ({ file, onSent });
      const result = new Promise((done, fail) => {
        Object.assign(told, { done, fail });
      });
      this.sent.push(told);
      return { result: /** @type {Promise<any>} */ (result), cancel };
    },
    () => {},
    (act) => this.later.push(act),
  );

  /** @param {string[]} names */
  add(...names) {
    this.queue.add(names.map((name) => ({ name, file: /** @type {any} */ ({ name, size: 1 }) })));
  }

  get kinds() {
    return this.queue.items.map(({ state }) => state.kind);
  }
}

const settle = () =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

test('two are sent at a time, in the order in which they came', async () => {
  const server = new Server();
  server.add('a', 'b', 'c');
  assert.deepEqual(server.kinds, ['working', 'working', 'waiting']);
  server.sent[1].done(RESULT);
  await settle();
  assert.deepEqual(server.kinds, ['working', 'done', 'working']);
  assert.deepEqual(
    server.sent.map(({ file }) => file.name),
    ['a', 'b', 'c'],
  );
});

test('one that is refused or cancelled keeps no other from going on', async () => {
  const server = new Server();
  server.add('a', 'b', 'c', 'd');
  server.sent[0].fail(new AssessError({ code: 'undecodable_file', detail: 'no', zh: '不是录音' }));
  const [, second, , last] = server.queue.items;
  if (second && last) [last, second].forEach((item) => server.queue.cancel(item));
  await settle();
  assert.deepEqual(server.kinds, ['failed', 'cancelled', 'working', 'cancelled']);
});

test('a server that is full is asked again a moment later', async () => {
  const server = new Server();
  server.add('a');
  server.sent[0].fail(new AssessError({ code: 'at_capacity', detail: '' }));
  await settle();
  assert.deepEqual(server.kinds, ['waiting']);
  server.later[0]?.();
  server.sent[1].done(RESULT);
  await settle();
  assert.deepEqual(server.kinds, ['done']);
});

test('what is too large is not sent', () => {
  const server = new Server();
  server.queue.add([{ name: 'film.mkv', file: /** @type {any} */ ({ size: 3e8 }) }]);
  assert.deepEqual(server.kinds, ['failed']);
  assert.equal(server.sent.length, 0);
});

test('what is settled can be forgotten', async () => {
  const server = new Server();
  server.add('a', 'b');
  server.sent[0].done(RESULT);
  await settle();
  server.queue.clear();
  assert.deepEqual(server.kinds, ['working']);
});

test('a table has a row for each file that is settled, and no cell is a formula', () => {
  const items = /** @type {any[]} */ ([
    { name: '=cmd()', state: { kind: 'done', result: RESULT } },
    {
      name: 'b.pdf',
      state: { kind: 'failed', failure: { code: 'undecodable_file', detail: 'A letter.', zh: '一封信。' } },
    },
    { name: 'c.wav', state: { kind: 'waiting' } },
  ]);
  assert.equal(
    csvOf(items, 'en'),
    '\uFEFFFile,State,Verdict,Score,Advice,No noise\r\n' +
      '\'=cmd(),Done,Record again,0.5,"Come closer, ""please""",0.9\r\n' +
      'b.pdf,Not assessed,,,A letter.,\r\n',
  );
  const wide = [{ ...items[1], name: '＝cmd()' }];
  assert.ok(csvOf(wide, 'zh').includes("\r\n'＝cmd(),"), 'full width is a formula too where Chinese is written');
  assert.match(csvOf(items, 'zh'), /b\.pdf,无法评估,,,一封信。,\r\n$/);
  const [first, second] = JSON.parse(jsonOf(items));
  assert.equal(first.result.labels.low_background.score, 0.9);
  assert.equal(second.error.code, 'undecodable_file');
});

test('a transcript goes with the recording of its name, and one that belongs to none stays alone', () => {
  const chosen = ['a.amr', 'a.amr.jsonl', 'w/b.wav', 'w/b.JSONL', 'c.wav', 'c.m4a', 'c.jsonl', 'b.jsonl', 'd.wav'].map(
    (name) => ({ name, file: /** @type {any} */ (name) }),
  );
  assert.deepEqual(
    paired(chosen).map(({ name, transcript }) => [name, transcript]),
    [
      ['a.amr', 'a.amr.jsonl'],
      ['w/b.wav', 'w/b.JSONL'],
      ['c.wav', undefined],
      ['c.m4a', undefined],
      ['d.wav', undefined],
      ['c.jsonl', undefined],
      ['b.jsonl', undefined],
    ],
  );
});
