import assert from 'node:assert/strict';
import { test } from 'node:test';

import { failureSentence } from '../../../web_client/language/failure-strings.js';
import { whereOf } from '../../../web_client/language/where.js';
import { FailureCode } from '../../../web_client/protocol/failures.js';

const AGENTS = {
  wechat:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) MicroMessenger/8.0',
  iphone:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/604.1',
  android:
    'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36',
  firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  safari:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
  desktop: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36',
};

test('each browser is told where its own setting is', () => {
  for (const [browser, agent] of Object.entries(AGENTS)) assert.equal(whereOf(agent).browser, browser);
  const said = (/** @type {string} */ agent) => failureSentence(FailureCode.MICROPHONE_DENIED, 'zh', whereOf(agent));
  assert.match(said(AGENTS.desktop), /地址栏/);
  assert.doesNotMatch(said(AGENTS.wechat), /地址栏/, 'WeChat shows no address');
  assert.match(said(AGENTS.wechat), /微信/);
  assert.match(said(AGENTS.iphone), /设置/);
});

test('every failure has a sentence in both languages for every browser', () => {
  for (const code of Object.values(FailureCode)) {
    for (const agent of Object.values(AGENTS)) {
      for (const language of /** @type {const} */ (['zh', 'en'])) {
        assert.ok(failureSentence(code, language, whereOf(agent)).length > 5, code);
      }
    }
  }
});
