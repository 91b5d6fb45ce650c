/** The sentences of the page of a call. */

import { dictionary } from './dictionary.js';
import { SHARED } from './shared-strings.js';

export const visitText = dictionary({
  ...SHARED,
  'title.patient': ['视频就诊', 'Your visit'],
  'title.doctor': ['视频就诊（医生）', 'The visit (doctor)'],
  'intro.patient': [
    '点击“进入”，允许使用话筒，就可以和医生说话。如果医生听不清，角落里会告诉您怎么做。',
    'Press Join and allow the microphone to talk with your doctor. If you are hard to hear, the corner tells you what to do.',
  ],
  'intro.doctor': [
    '点击“进入”和患者通话。下方显示患者的声音是否清楚。',
    'Press Join to talk with the patient. Below you see how well the patient can be heard.',
  ],
  join: ['进入', 'Join'],
  noSession: [
    '这个链接不完整。请打开医院发给您的链接。',
    'This link is not complete. Please open the link that you were sent.',
  ],
  allow: ['请在浏览器的提示中允许使用“麦克风”。', 'Please allow the microphone when the browser asks.'],
  connecting: ['正在连接……', 'Connecting…'],
  'waiting.patient': ['请稍候，医生马上就来。', 'Please wait. Your doctor will join in a moment.'],
  'waiting.doctor': ['患者还没有来。', 'The patient is not here yet.'],
  'left.patient': ['医生已离开通话。', 'Your doctor has left the call.'],
  'left.doctor': ['患者已离开通话。', 'The patient has left the call.'],
  finding: ['正在接通……', 'Putting you through…'],
  'linked.patient': ['您正在和医生通话。', 'You are talking with your doctor.'],
  'linked.doctor': ['您正在和患者通话。', 'You are talking with the patient.'],
  broken: [
    '双方的网络无法直接接通，正在重试。请换一个网络，或请管理员设置 TURN 中继。',
    'No way leads from your network to the other one; still trying. Try another network, or ask for a TURN relay.',
  ],
  reconnecting: ['网络已断开，正在重新连接。', 'Connection lost. Reconnecting.'],
  ended: ['您已离开通话。', 'You have left the call.'],
  again: ['重新进入', 'Join again'],
  mute: ['静音', 'Mute'],
  unmute: ['取消静音', 'Unmute'],
  camera: ['打开摄像头', 'Camera on'],
  cameraOff: ['关闭摄像头', 'Camera off'],
  noCamera: ['没有可用的摄像头；通话照常进行。', 'No camera could be used. The call goes on.'],
  leave: ['离开', 'Leave'],
  remote: ['对方的画面', 'Picture of the other side'],
  own: ['您自己的画面', 'Your own picture'],
});

/** @typedef {Parameters<typeof visitText>[0]} VisitKey */
