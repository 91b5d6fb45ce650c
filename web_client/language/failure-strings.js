/** A sentence for every failure: what happened, and what to do. */

import { FailureCode } from '../protocol/failures.js';
import { DENIED_IN } from './denied-strings.js';
import { inOf } from './dictionary.js';
import { ANYWHERE } from './where.js';

/**
 * @import { Pair } from './dictionary.js'
 * @import { Where } from './where.js'
 * @import { Language } from '../protocol/types.js'
 */

/** @type {Readonly<Record<FailureCode, Pair>>} */
const SENTENCES = {
  [FailureCode.MICROPHONE_DENIED]: DENIED_IN.desktop,
  [FailureCode.MICROPHONE_DENIED_BY_SYSTEM]: [
    '系统不允许浏览器使用话筒。请在系统设置的“隐私”中为浏览器打开“麦克风”，然后点击“开始”。',
    'Your system lets the browser use no microphone. Allow it in the system’s privacy settings, then press Start.',
  ],
  [FailureCode.MICROPHONE_DENIED_BY_PAGE]: [
    '本页面的设置不允许使用话筒。请联系网站的工作人员，或改用他们发给您的链接。',
    'This page is set up so that it may not use the microphone. Please tell whoever runs the site.',
  ],
  [FailureCode.BROWSER_EMBEDDED]: [
    '此程序内置的浏览器不能使用话筒。请点击菜单，选择“在浏览器中打开”；苹果手机请用 Safari 打开。',
    'The browser inside this program has no microphone. Open this page in your own browser; on an iPhone, in Safari.',
  ],
  [FailureCode.MICROPHONE_NOT_FOUND]: [
    '没有找到话筒。请接上话筒或耳机，然后点击“开始”。',
    'No microphone was found. Please plug in a microphone or headset, then press Start.',
  ],
  [FailureCode.MICROPHONE_BUSY]: [
    '话筒正被其他程序占用。请关闭该程序，然后点击“开始”。',
    'Another program is using the microphone. Please close it, then press Start.',
  ],
  [FailureCode.PAGE_INSECURE]: [
    '出于安全考虑，浏览器只允许 https 网页使用话筒。请用 https 打开本页。',
    'Browsers allow the microphone on secure pages only. Please open this page with https.',
  ],
  [FailureCode.BROWSER_UNSUPPORTED]: [
    '此浏览器无法录音。请使用新版 Chrome、Edge、Firefox 或 Safari。',
    'This browser cannot record. Please use a recent Chrome, Edge, Firefox or Safari.',
  ],
  [FailureCode.UNREACHABLE]: [
    '无法连接服务器。请检查网络，然后重试。',
    'The server cannot be reached. Please check your network, then try again.',
  ],
  [FailureCode.LINE_LOST]: [
    '网络断开太久，本次会话已结束。请重新点击“开始”。',
    'The connection was down for too long, so the session has ended. Please press Start again.',
  ],
  [FailureCode.SESSION_LOST]: [
    '服务曾中断，本次会话没有保存下来。请重新点击“开始”。',
    'The service was interrupted, and this session could not be kept. Please press Start again.',
  ],
  [FailureCode.CLOSED]: ['服务器关闭了连接。请重试。', 'The server closed the connection. Please try again.'],
  [FailureCode.UNAUTHORIZED]: [
    '请使用医院发给您的链接打开本页。',
    'Please open this page with the link that your hospital sent you.',
  ],
  [FailureCode.INVALID_TOKEN]: [
    '此链接无效，可能没有复制完整。请重新打开收到的链接。',
    'This link is not valid; part of it may be missing. Please open it again as you received it.',
  ],
  [FailureCode.FOREIGN_TOKEN]: [
    '此链接不能打开本页。请使用收到的完整链接。',
    'This link is for another page. Please open it exactly as you received it.',
  ],
  [FailureCode.TOKEN_EXPIRED]: ['此链接已过期。请索取新的链接。', 'This link has expired. Please ask for a new one.'],
  [FailureCode.TOKEN_USED]: [
    '此链接已经用过。请索取新的链接。',
    'This link was already used. Please ask for a new one.',
  ],
  [FailureCode.AT_CAPACITY]: [
    '当前使用人数较多。请过几分钟再试。',
    'Many people are using this now. Please try again in a few minutes.',
  ],
  [FailureCode.SESSION_SUPERSEDED]: ['会话已在另一个窗口继续。', 'This session continues in another window.'],
  [FailureCode.SESSION_EXPIRED]: ['此会话已过期。', 'This session has expired.'],
  [FailureCode.UNKNOWN_SESSION]: [
    '找不到此会话：链接可能不完整，或服务曾重启。请索取新的链接。',
    'This session was not found: part of the link may be missing, or the service was restarted. Please ask for a new link.',
  ],
  [FailureCode.IDLE_TIMEOUT]: [
    '长时间没有收到声音，本次会话已结束。请重新点击“开始”。',
    'No sound arrived for a long time, so the session has ended. Please press Start again.',
  ],
  [FailureCode.INVALID_LABELS]: [
    '无法识别链接中的标签。请向发送者索取新的链接。',
    'The labels in this link cannot be read. Please ask whoever sent it for a new link.',
  ],
  [FailureCode.UNDECODABLE_FILE]: [
    '无法从此文件中读取声音。请选择 WAV、FLAC、OGG 或 MP3 格式的录音。',
    'No sound could be read from this file. Please choose a WAV, FLAC, OGG or MP3 recording.',
  ],
  [FailureCode.PROTECTED_FILE]: [
    '此文件已加密或有版权保护，无法读取。请直接在这里录音。',
    'This file is encrypted or copy-protected and cannot be read. Please record here instead.',
  ],
  [FailureCode.FILE_TOO_LARGE]: [
    '文件太大（最大 200 MB）。请选择较短的录音。',
    'The file is too large (200 MB at most). Please choose a shorter recording.',
  ],
  [FailureCode.SESSION_MISSING]: [
    '请使用患者页面上的链接打开本页。',
    'Please open this page with the link from the patient’s page.',
  ],
  [FailureCode.REFUSED]: ['出了点问题。请重试。', 'Something went wrong. Please try again.'],
  [FailureCode.UNEXPECTED]: ['出了点问题。请重试。', 'Something went wrong. Please try again.'],
};

/**
 * @param {FailureCode} code
 * @param {Language} language
 * @param {Where} [where] the same failure has another remedy in another browser
 * @returns {string}
 */
export function failureSentence(code, language, where = ANYWHERE) {
  const pair = code === FailureCode.MICROPHONE_DENIED ? DENIED_IN[where.browser] : SENTENCES[code];
  return inOf(pair, language);
}
