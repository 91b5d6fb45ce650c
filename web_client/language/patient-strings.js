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
  allRight: ['好的，您接着说。', 'All right, please go on.'],
  better: ['好多了，谢谢您。', 'That is better, thank you.'],
  youSoundClear: ['听得很清楚。', 'You sound clear.'],
  speakNow: ['请开始说话，我们在听。', 'Please speak. We are listening.'],
  allowMicrophone: ['请在浏览器的提示中允许使用“麦克风”。', 'Please allow the microphone when the browser asks.'],
  pausedNow: ['已暂停。准备好后，请点击“继续”。', 'Paused. Press Continue when you are ready.'],
  lineLost: [
    '网络已断开，正在重新连接。您刚才说的话会自动补发。',
    'Connection lost. Reconnecting. Your last words will still be sent.',
  ],
  finishing: ['正在听您最后说的几句话……', 'Listening to your last words…'],
  microphoneSilent: [
    '话筒没有声音。请检查它是否已打开并插好。',
    'No sound from the microphone. Please check that it is on and plugged in.',
  ],
  sending: ['正在发送声音', 'Sound is being sent'],
  notSending: ['未发送声音', 'Sound is not being sent'],
  basicMode: ['基础模式：不识别是哪种噪声', 'Basic mode: noises are not identified'],
  notStored: ['不保存任何内容', 'Nothing is stored'],
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
  'verdict.accept': ['录音很清楚，可以给医生听。', 'This is clear. The doctor can use it.'],
  'verdict.re-record': ['再录一遍会更好。', 'It would help to record this once more.'],
  'verdict.unusable': ['这次没能听清，我们再试一次吧。', 'We could not hear enough this time. Let us try once more.'],
  'verdict.null': ['这次无法判断。', 'This recording could not be judged.'],
  noResult: ['会话已结束。', 'The session has ended.'],
});

/** @typedef {Parameters<typeof patientText>[0]} PatientKey */
