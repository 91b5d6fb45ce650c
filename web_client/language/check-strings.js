/** The sentences of the private check before a visit. */

import { dictionary } from './dictionary.js';
import { SHARED } from './shared-strings.js';

export const checkText = dictionary({
  ...SHARED,
  title: ['试一下您的话筒', 'Try your microphone'],
  intro: [
    '点击“开始”，然后读一句话。只有您自己听得到，不会发给医生。',
    'Press Start, then read one sentence. Only you can hear it; it is not for the doctor.',
  ],
  start: ['开始', 'Start'],
  again: ['再试一次', 'Try again'],
  allow: ['请在浏览器的提示中允许使用“麦克风”。', 'Please allow the microphone when the browser asks.'],
  read: [
    '请像平常一样读：“您好，我今天想请您看看，这两天我有点咳嗽，晚上睡得不太好。”',
    'Please read as you usually speak: “Hello, I would like your advice. I have had a cough for two days, and I sleep badly.”',
  ],
  stop: ['停止', 'Stop'],
  judging: ['正在判断……', 'One moment…'],
  hear: ['听听自己的声音', 'Hear yourself'],
  device: ['话筒', 'Microphone'],
  deviceUnnamed: ['话筒 {n}', 'Microphone {n}'],
  switchTo: ['换成“{name}”，它听得到您', 'Switch to {name}, it hears you'],
  level: ['话筒音量', 'Microphone level'],
  levelSome: ['有声音', 'sound is coming in'],
  levelNone: ['安静', 'quiet'],
  lineLost: ['网络已断开，正在重新连接。', 'Connection lost. Reconnecting.'],
  'verdict.accept': ['听得很清楚，可以开始就诊了。', 'You sound clear. You are ready.'],
  'verdict.re-record': ['基本能听到，可以更清楚一些。', 'You can be heard, and could be clearer.'],
  'verdict.unusable': ['没有听清，请再试一次。', 'We could not hear you well. Please try once more.'],
  'once.accept': ['听得很清楚，可以开始就诊了。', 'You sound clear. You are ready.'],
  'once.re-record': ['基本能听到，可以更清楚一些。', 'You can be heard, and could be clearer.'],
  'once.unusable': ['这次没有听清。', 'We could not hear you well.'],
  'once.null': ['这次无法判断。', 'This could not be judged.'],
  'once.more': [
    '这个链接只能试一次。要再试，请让医生给您发一个新的链接。',
    'This link works for one try. For another one, please ask your doctor for a new link.',
  ],
  'verdict.null': ['这次无法判断，请再试一次。', 'This could not be judged. Please try once more.'],
});

/** @typedef {Parameters<typeof checkText>[0]} CheckKey */
