/** The sentences of the page of webhooks. */

import { dictionary } from './dictionary.js';

export const webhooksText = dictionary({
  title: ['通知（Webhook）', 'Webhooks'],
  intro: [
    '其他系统没有收到的通知。再次发送时编号不变，对方可以据此去重；内容不在这里显示。',
    'What other systems could not be told. Sent again it keeps its id, by which they know what they have; its content is not shown here.',
  ],
  endpoints: ['接收地址', 'Endpoints'],
  told: ['正常', 'In use'],
  paused: [
    '已暂停（对方回答 410）。由管理员在命令行恢复：tingqing webhooks resume {id}',
    'Paused: it answered 410. The operator resumes it: tingqing webhooks resume {id}',
  ],
  counts: ['等待 {waiting} 条，已放弃 {dead} 条', '{waiting} waiting, {dead} given up'],
  dead: ['已放弃的通知', 'Given up'],
  noKeys: [
    '没有密钥的服务器不显示通知：任何人都能看到。请用 tingqing keys create 创建管理员（admin）密钥。',
    'A server without keys shows no webhooks: everybody could see them. Create an admin key with tingqing keys create.',
  ],
  adminsOnly: [
    '只有管理员（admin）密钥可以查看和重发通知。请退出后用管理员密钥登录。',
    'Only an admin key sees webhooks and sends them again. Sign out and sign in with one.',
  ],
  noEndpoints: [
    '还没有系统接收通知。请管理员在服务器上添加接收地址，密钥只显示一次：',
    'No other system is told anything yet. The operator adds one on the server; its secret is printed once:',
  ],
  noDead: [
    '没有已放弃的通知。送不到的通知会重试一天；仍然失败的列在这里，保留七天。',
    'Nothing was given up. What cannot be delivered is tried for a day; what still fails is listed here for seven days.',
  ],
  again: ['再次发送', 'Send again'],
  againOne: ['再次发送：{what}，{host}，{at}', 'Send again: {what}, {host}, {at}'],
  againAll: ['全部再次发送（A）', 'Send all again (A)'],
  againOf: ['再次发送：{host} 的全部通知', 'Send again: all to {host}'],
  reload: ['刷新（R）', 'Read again (R)'],
  more: ['显示更多', 'Show more'],
  sent: ['{count} 条正在重新发送。', '{count} are being sent again.'],
  gone: ['这条已经处理，列表已刷新。', 'This one was dealt with already; the list is new.'],
  tries: ['试过 {attempts} 次', 'tries: {attempts}'],
  answered: ['对方回答 {status}', 'answered {status}'],
  redirect: ['对方要求转到别处（{status}），不会跟随', 'answered {status}, a redirect, which is not followed'],
  'no answer in time': ['没有及时回答', 'no answer in time'],
  'address not allowed': ['地址不允许（TINGQING_WEBHOOK_ALLOW）', 'address not allowed (TINGQING_WEBHOOK_ALLOW)'],
  'certificate or TLS refused': ['证书或 TLS 有误', 'certificate or TLS refused'],
  'no connection': ['无法连接', 'no connection'],
  'broken connection': ['连接中断', 'broken connection'],
  'could not be sent': ['无法发送', 'could not be sent'],
  'session.ended': ['会话结束', 'Session ended'],
  'assessment.completed': ['评估完成', 'Assessment completed'],
  'assessment.rejected': ['需要重录', 'To be recorded again'],
  'assessment.refused': ['无法评估', 'File refused'],
  'label.changed': ['标签变化', 'Labels changed'],
  'batch.completed': ['批次完成', 'Batch completed'],
  'webhook.test': ['测试', 'Test'],
});

/** @typedef {Parameters<typeof webhooksText>[0]} WebhooksKey */

/**
 * Words of the server that have a sentence here; any other is shown as it is.
 * @type {Readonly<Record<string, WebhooksKey>>}
 */
export const KNOWN = Object.fromEntries(
  /** @type {WebhooksKey[]} */ ([
    'no answer in time',
    'address not allowed',
    'certificate or TLS refused',
    'no connection',
    'broken connection',
    'could not be sent',
    'session.ended',
    'assessment.completed',
    'assessment.rejected',
    'assessment.refused',
    'label.changed',
    'batch.completed',
    'webhook.test',
  ]).map((key) => [key, key]),
);
