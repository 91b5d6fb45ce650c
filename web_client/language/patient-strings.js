/** The patient's sentences. The server's own (titles, prompts, advice) come in both languages. */

import { dictionary } from './dictionary.js';
import { SHARED } from './shared-strings.js';

export const patientText = dictionary({
  ...SHARED,
  tagline: ['让医生听清您说的每一句话', 'Make sure the doctor hears every word'],
  intro: [
    '点击“开始”，允许使用话筒，然后像平常一样说话。如果周围太吵，或者您离话筒太远，我们会提醒您。',
    'Press Start, allow the microphone, and speak as you usually do. If it is too noisy or you are too far away, we will let you know.',
  ],
  labels: ['科室', 'Department'],
  start: ['开始', 'Start'],
  again: ['重新开始', 'Start again'],
  pause: ['暂停', 'Pause'],
  goOn: ['继续', 'Continue'],
  finish: ['说完了', 'I have finished'],
  notNow: ['暂时不用', 'Not now'],
  doctorAsks: ['医生请您：{prompt}', 'Your doctor asks: {prompt}'],
  allRight: ['好的，您接着说。', 'All right, please go on.'],
  'instead.move_somewhere_quieter': [
    '好的。那请把电视或风扇关小一点，或者关上窗。',
    'All right. Could you turn down the television or the fan, or close the window?',
  ],
  'instead.come_closer': [
    '好的。那请戴上耳机，或者说得响一点。',
    'All right. Could you use a headset, or speak up a little?',
  ],
  'instead.reduce_echo': [
    '好的。那请拉上窗帘，或者靠近沙发坐。',
    'All right. Could you draw the curtains, or sit by a sofa?',
  ],
  'instead.check_microphone': [
    '好的。那请换一个话筒，或者拔下耳机再试。',
    'All right. Could you try another microphone, or unplug the headset?',
  ],
  better: ['好多了，谢谢您。', 'That is better, thank you.'],
  youSoundClear: ['听得很清楚。', 'You sound clear.'],
  speakNow: ['请开始说话，我们在听。', 'Please speak. We are listening.'],
  allowMicrophone: ['请在浏览器的提示中允许使用“麦克风”。', 'Please allow the microphone when the browser asks.'],
  pausedNow: ['已暂停。准备好后，请点击“继续”。', 'Paused. Press Continue when you are ready.'],
  lineLost: [
    '网络已断开，正在重新连接。您刚才说的话会自动补发。',
    'Connection lost. Reconnecting. Your last words will still be sent.',
  ],
  restarting: [
    '服务正在重启，马上会自动继续，请不要关闭本页。',
    'The service is restarting. It goes on by itself in a moment; please keep this page open.',
  ],
  interrupted: [
    '手机暂停了声音，例如正在通话。结束后会自动继续，也可以点击“继续”。',
    'Your device has stopped the sound, as during a phone call. It goes on by itself; you can also press Continue.',
  ],
  notOver: ['您的就诊还没有结束。请点击“继续”，接着说。', 'Your visit is not over. Press Continue to go on.'],
  partLost: [
    '网络不好，刚才有几句没有传到。请再说一遍。',
    'The line was down, and a few words did not arrive. Please say them again.',
  ],
  finishing: ['正在听您最后说的几句话……', 'Listening to your last words…'],
  sending: ['正在发送声音', 'Sound is being sent'],
  notSending: ['未发送声音', 'Sound is not being sent'],
  notStored: ['不保存声音', 'No sound is stored'],
  sendingShort: ['正在发送', 'Being sent'],
  notSendingShort: ['未发送', 'Not sent'],
  notStoredShort: ['不保存声音', 'Not stored'],
  level: ['话筒音量', 'Microphone level'],
  levelSome: ['有声音', 'sound is coming in'],
  levelNone: ['安静', 'quiet'],
  'patient.clear': ['清楚', 'Clear'],
  'patient.usable': ['还可以', 'Fair'],
  'patient.poor': ['不太清楚', 'Hard to hear'],
  'patient.nodata': ['正在听', 'Listening'],
  'patient.paused': ['已暂停', 'Paused'],
  'patient.network': ['正在重连', 'Reconnecting'],
  'patient.silent': ['没有声音', 'No sound'],
  'patient.connecting': ['正在连接', 'Connecting'],
  forDoctor: ['给医生', 'For the doctor'],
  copyLink: ['复制链接', 'Copy link'],
  copied: ['已复制', 'Copied'],
  openLink: ['打开医生页面', 'Open the doctor’s page'],
  checkFile: ['已有录音？', 'Already have a recording?'],
  chooseFile: ['选择文件', 'Choose a file'],
  orDrop: [
    '选择文件，或将文件拖到这里，马上知道能不能用。',
    'Choose a file or drop it here to see at once whether it can be used.',
  ],
  assessing: ['正在评估这段录音……', 'Assessing the recording…'],
  fileFailed: ['这段录音评估失败。', 'This recording could not be assessed.'],
  'prompt.speak_up': ['请对着话筒说话。', 'Please speak towards the microphone.'],
  'prompt.move_somewhere_quieter': ['请到安静一点的地方。', 'Please go somewhere quieter.'],
  'prompt.come_closer': ['请把手机拿近一点说。', 'Please hold the phone a little closer.'],
  'prompt.check_microphone': [
    '请看看话筒有没有被挡住，耳机有没有插好。',
    'Please check that nothing covers the microphone and that the headset is plugged in.',
  ],
  'prompt.slow_down': ['不着急，您慢慢说。', 'No hurry, take your time.'],
  'prompt.reduce_echo': ['请换个小一点、有家具的房间。', 'Please try a smaller room with furniture.'],
  'prompt.one_at_a_time': ['请一位一位说。', 'Please speak one at a time.'],
  'prompt.move_back': ['请把手机拿远一点。', 'Please hold the phone a little further away.'],
  assessingCancel: ['取消', 'Cancel'],
  sendingFile: ['正在上传……', 'Sending the file…'],
  fileProgress: ['上传进度', 'Sent so far'],
  cancelled: ['已取消。', 'Cancelled.'],
  'verdict.accept': ['录音很清楚，可以给医生听。', 'This is clear. The doctor can use it.'],
  'verdict.re-record': ['再录一遍会更好。', 'It would help to record this once more.'],
  'verdict.unusable': ['这次没能听清，我们再试一次吧。', 'We could not hear enough this time. Let us try once more.'],
  'verdict.null': ['这次无法判断。', 'This recording could not be judged.'],
  noResult: ['会话已结束。', 'The session has ended.'],
  'link.token_used': [
    '这个链接只能用一次，已经用过了。请让医生给您发一个新的链接。',
    'This link was already used. Please ask your doctor for a new one.',
  ],
  'link.token_expired': [
    '这个链接已经过期。请让医生给您发一个新的链接。',
    'This link has expired. Please ask your doctor for a new one.',
  ],
  'link.foreign_token': [
    '这个链接不能打开本页。请点开收到的完整链接，或让医生给您发一个新的。',
    'This link is for another page. Please open it exactly as you received it, or ask your doctor for a new one.',
  ],
  'link.invalid_token': [
    '这个链接无效，可能没有复制完整。请点开收到的完整链接，或让医生给您发一个新的。',
    'This link is not valid; part of it may be missing. Please open it again as you received it, or ask your doctor for a new one.',
  ],
  'link.lost': [
    '网络断开太久，本次会话已结束。请让医生给您发一个新的链接。',
    'The connection was down for too long, so the session has ended. Please ask your doctor for a new link.',
  ],
  'link.session_lost': [
    '服务曾中断，本次会话没有保存下来。请让医生给您发一个新的链接。',
    'The service was interrupted, and this session could not be kept. Please ask your doctor for a new link.',
  ],
  'link.idle_timeout': [
    '长时间没有收到声音，本次会话已结束。请让医生给您发一个新的链接。',
    'No sound arrived for a long time, so the session has ended. Please ask your doctor for a new link.',
  ],
  'link.over': [
    '本次会话已结束。请让医生给您发一个新的链接。',
    'This session has ended. Please ask your doctor for a new link.',
  ],
  'link.again': [
    '这个链接只能用一次。要再录一遍，请让医生给您发一个新的链接。',
    'This link works once. To record again, please ask your doctor for a new one.',
  ],
  'link.done': ['可以关闭本页了。', 'You can close this page now.'],
});

/** @typedef {Parameters<typeof patientText>[0]} PatientKey */
