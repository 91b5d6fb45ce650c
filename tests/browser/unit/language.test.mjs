import assert from 'node:assert/strict';
import { test } from 'node:test';

import { dictionary, languageOf, listed } from '../../../web_client/language/dictionary.js';
import { failureSentence } from '../../../web_client/language/failure-strings.js';
import { nameOf } from '../../../web_client/language/labels.js';
import { FailureCode, failureOfClose, failureOfRefusal } from '../../../web_client/protocol/failures.js';

test('a sentence takes its values, in either language', () => {
  const text = dictionary({ away: ['{name}离开了{room}', '{name} has left {room}'] });
  assert.equal(text('away', 'en', { name: 'A', room: 'B' }), 'A has left B');
  assert.equal(text('away', 'zh', { name: 'A', room: 'B' }), 'A离开了B');
});

test('a value is put in as it is, whatever it looks like', () => {
  const text = dictionary({ said: ['{text}', '{text}'] });
  assert.equal(text('said', 'en', { text: '$& costs $1' }), '$& costs $1');
});

test('a missing sentence is a bug that is heard of', () => {
  const text = /** @type {(key: string, language: 'en') => string} */ (dictionary({}));
  assert.throws(() => text('gone', 'en'), /no sentence for gone/);
});

test('every failure has a sentence in both languages', () => {
  for (const code of Object.values(FailureCode)) {
    assert.match(failureSentence(code, 'en'), /^[A-Z].*\.$/);
    assert.match(failureSentence(code, 'zh'), /。$/);
  }
});

test('a code that the client does not know is a refusal, with the server’s own word for logs', () => {
  assert.deepEqual(failureOfRefusal({ code: 'new', message: 'why' }), {
    code: FailureCode.REFUSED,
    detail: 'new: why',
  });
  assert.deepEqual(failureOfClose(null, 4401), { code: FailureCode.CLOSED, detail: 'close code 4401' });
  assert.equal(failureOfClose({ code: 'idle_timeout', message: '' }, 4408).code, FailureCode.IDLE_TIMEOUT);
});

test('codes cannot be changed', () => {
  assert.ok(Object.isFrozen(FailureCode));
});

test('labels without a short name keep their title, also where an object has such a property', () => {
  const title = { zh: '甲', en: 'A' };
  assert.equal(nameOf({ id: 'low_background', title }, 'en'), 'Quiet room');
  assert.equal(nameOf({ id: 'own', title }, 'zh'), '甲');
  assert.equal(nameOf({ id: 'constructor', title }, 'en'), 'A');
});

test('lists and languages follow the tag', () => {
  assert.equal(listed(['a', 'b'], 'zh'), 'a、b');
  assert.equal(listed(['a', 'b'], 'en'), 'a, b');
  assert.deepEqual(
    [languageOf('zh-Hant-TW'), languageOf('ZH'), languageOf('de'), languageOf(null)],
    ['zh', 'zh', 'en', 'en'],
  );
});
