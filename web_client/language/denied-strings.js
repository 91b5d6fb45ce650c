/** What to do about a denied microphone, in each browser. */

/**
 * @import { Pair } from './dictionary.js'
 * @import { Browser } from './where.js'
 */

/** @type {Pair} */
const BESIDE_THE_ADDRESS = [
  '“麦克风”权限被拒绝。请点击地址栏旁的图标，允许使用“麦克风”，然后点击“开始”。',
  'Microphone access was denied. Click the icon beside the address, allow the microphone, then press Start.',
];

/** Where a denied microphone is allowed again, in each browser. @type {Readonly<Record<Browser, Pair>>} */
export const DENIED_IN = {
  wechat: [
    '“麦克风”权限被拒绝。请在手机设置中允许微信使用“麦克风”，或点击右上角“…”，选择“在浏览器中打开”。',
    'Microphone access was denied. Allow WeChat the microphone in the phone’s settings, or open this page in your browser from the menu at the top right.',
  ],
  iphone: [
    '“麦克风”权限被拒绝。请在“设置”中找到浏览器，打开“麦克风”，再重新打开本页。',
    'Microphone access was denied. In Settings, find your browser, allow the microphone, then open this page again.',
  ],
  android: [
    '“麦克风”权限被拒绝。请点击地址栏左侧的图标，在“权限”中允许“麦克风”，然后点击“开始”。',
    'Microphone access was denied. Tap the icon left of the address, allow the microphone under Permissions, then press Start.',
  ],
  safari: [
    '“麦克风”权限被拒绝。请在菜单“Safari 浏览器”的“网站设置”中允许“麦克风”，然后点击“开始”。',
    'Microphone access was denied. In the Safari menu, open the settings for this website, allow the microphone, then press Start.',
  ],
  firefox: BESIDE_THE_ADDRESS,
  desktop: BESIDE_THE_ADDRESS,
};
