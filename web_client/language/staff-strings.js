/** The sentences of the door of the pages for staff. */

import { dictionary } from './dictionary.js';

export const staffText = dictionary({
  title: ['登录', 'Sign in'],
  intro: [
    '请输入贵单位管理员提供的查看密钥，即可观看本单位的会话。',
    'Enter the viewer key from your administrator to watch the sessions of your own site.',
  ],
  key: ['查看密钥', 'Viewer key'],
  signIn: ['登录', 'Sign in'],
  signOut: ['退出登录', 'Sign out'],
  site: ['单位：{site}', 'Site: {site}'],
  unauthorized: [
    '密钥无效。请核对后重试，或联系管理员。',
    'This key is not valid. Check it, or ask your administrator.',
  ],
  forbidden: [
    '请使用查看（viewer）密钥登录；其他密钥只供程序使用。',
    'Please sign in with a viewer key; the other keys are for programs.',
  ],
  tooMany: ['尝试次数过多，请稍等片刻再试。', 'Too many tries. Please wait a little, then try again.'],
  unreachable: [
    '无法连接服务器。请检查网络，然后重试。',
    'The server cannot be reached. Check your network, then try again.',
  ],
  unknown: [
    '服务器暂时无法确认登录状态。请稍后重新加载本页。',
    'The server cannot tell right now whether you are signed in. Please reload this page in a moment.',
  ],
  notSignedOut: [
    '退出失败，您可能仍处于登录状态。请重试；仍不成功时请关闭浏览器并清除 Cookie。',
    'You may still be signed in: signing out failed. Try again, or clear the cookies of this browser.',
  ],
  other: ['登录失败，请稍后再试。', 'You could not be signed in. Please try again later.'],
  session: [
    '患者报的六位会话码、会话编号或医生页面链接',
    'The patient’s six-character code, the session number, or the link of the doctor’s page',
  ],
  noSuchCode: [
    '本单位没有这个会话码的会话。请和患者核对。',
    'Your site has no session with this code. Please check it with the patient.',
  ],
  open: ['打开', 'Open'],
  noSession: ['这里没有会话编号。', 'There is no session number in this.'],
  list: ['本单位的会话，最需要帮助的在前：', 'The sessions of your site, whoever needs help first:'],
  listEmpty: ['本单位目前没有会话。', 'Your site has no sessions now.'],
  listUnknown: [
    '服务器暂时无法列出会话，稍后会自动重试。',
    'The server cannot list the sessions now; trying again shortly.',
  ],
  'row.poor': ['听不清', 'Hard to hear'],
  'row.usable': ['可用', 'Usable'],
  'row.clear': ['清楚', 'Clear'],
  'row.listening': ['正在听', 'Listening'],
  'row.reconnecting': ['正在重连', 'Reconnecting'],
  'row.paused': ['已暂停', 'Paused'],
  'row.announced': ['等待患者', 'Expected'],
});

/** @typedef {Parameters<typeof staffText>[0]} StaffKey */
