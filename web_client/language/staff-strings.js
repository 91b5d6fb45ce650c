/** The sentences of the door of the pages for staff. */

import { dictionary } from './dictionary.js';

export const staffText = dictionary({
  title: ['登录', 'Sign in'],
  intro: [
    '请输入贵单位管理员提供的医生密钥或查看密钥，即可观看本单位的会话。管理员也可以用自己的密钥登录。',
    'Enter the doctor or viewer key from your administrator to watch the sessions of your own site. Administrators sign in with their own.',
  ],
  key: ['密钥', 'Key'],
  signIn: ['登录', 'Sign in'],
  signOut: ['退出登录', 'Sign out'],
  site: ['单位：{site}', 'Site: {site}'],
  unauthorized: [
    '密钥无效。请核对后重试，或联系管理员。',
    'This key is not valid. Check it, or ask your administrator.',
  ],
  forbidden: [
    '请使用医生（doctor）、查看（viewer）或管理员（admin）密钥登录；其他密钥只供程序使用。',
    'Please sign in with a doctor, viewer or admin key; the other keys are for programs.',
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
  invite: ['新的就诊', 'New visit'],
  inviteKind: ['方式', 'How'],
  inviteVisit: ['通话：患者和医生在网页上交谈', 'A call: patient and doctor talk on a page'],
  inviteRecording: ['录音：患者独自讲述', 'A recording: the patient speaks alone'],
  inviteReference: ['备注编号（可不填；不会写入日志）', 'Your own reference (optional; never in a log)'],
  inviteMake: ['生成链接', 'Make the links'],
  inviteFailed: [
    '没能生成链接。请检查网络，稍后再试。',
    'The links could not be made. Check your network and try again.',
  ],
  inviteFull: [
    '服务器上等待的就诊已满，请稍后再试。',
    'Too many visits are waiting on this server. Please try again shortly.',
  ],
  inviteReady: ['链接已生成 · 会话码 {code}', 'The links are ready · session code {code}'],
  inviteToldVisit: [
    '请患者用手机扫码，或把链接发给患者。链接只能使用一次。',
    'Let the patient scan this with a phone, or send the link. It works once.',
  ],
  inviteToldRecording: [
    '请患者用手机扫码录音，或把链接发给患者。链接只能使用一次。',
    'Let the patient scan this to record, or send the link. It works once.',
  ],
  inviteQr: ['患者链接的二维码', 'QR code of the patient’s link'],
  inviteCopy: ['复制患者链接', 'Copy the patient’s link'],
  inviteCopied: ['已复制', 'Copied'],
  inviteJoin: ['进入通话（医生）', 'Join the call (doctor)'],
  inviteWatch: ['打开医生页面', 'Open the doctor’s page'],
  inviteUntil: ['患者须在 {time} 之前打开。', 'The patient must begin before {time}.'],
  inviteAnother: ['再生成一个', 'Make another'],
  'row.poor': ['听不清', 'Hard to hear'],
  'row.usable': ['可用', 'Usable'],
  'row.clear': ['清楚', 'Clear'],
  'row.listening': ['正在听', 'Listening'],
  'row.reconnecting': ['正在重连', 'Reconnecting'],
  'row.paused': ['已暂停', 'Paused'],
  'row.announced': ['等待患者', 'Expected'],
});

/** @typedef {Parameters<typeof staffText>[0]} StaffKey */
