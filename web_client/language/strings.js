/** Every sentence of the page, in Chinese and English. The server's own (titles, prompts, advice) come in both. */

/** @typedef {import('../protocol/types.js').Language} Language */

/** @type {Record<string, [zh: string, en: string]>} */
const STRINGS = {
  brand: ['听清', 'Tingqing'],
  tagline: ['让医生听清您说的每一句话', 'So that the doctor hears every word'],
  intro: [
    '点“开始”，允许使用麦克风，然后像平常一样说话。如果周围太吵或离得太远，我们会轻轻提醒您。',
    'Press Start, allow the microphone, and speak as you usually do. If it is too noisy or too far, we will tell you gently.',
  ],
  labels: ['科室', 'Department'],
  start: ['开始', 'Start'],
  again: ['再来一次', 'Start again'],
  pause: ['暂停', 'Pause'],
  goOn: ['继续', 'Continue'],
  finish: ['说完了', 'I have finished'],
  notNow: ['先不用', 'Not now'],
  allRight: ['好的，您接着说。', 'All right, please go on.'],
  better: ['好多了，谢谢您。', 'That is better, thank you.'],
  youSoundClear: ['听得很清楚。', 'You sound clear.'],
  speakNow: ['请说话，我们在听。', 'Please speak. We are listening.'],
  allowMicrophone: ['请在浏览器的提示里允许使用麦克风。', 'Please allow the microphone when the browser asks.'],
  pausedNow: ['已暂停。准备好了就点“继续”。', 'Paused. Press Continue when you are ready.'],
  lineLost: [
    '网络断了一下，正在重新连接。刚才说的会补发。',
    'The line dropped. Reconnecting; your last words will be sent.',
  ],
  finishing: ['正在听完最后几句……', 'Listening to your last words …'],
  microphoneSilent: [
    '话筒没有声音。请看看它有没有被关掉或拔掉。',
    'No sound comes from the microphone. Please check that it is on and plugged in.',
  ],
  sending: ['声音正在发送', 'Sound is being sent'],
  notSending: ['声音没有在发送', 'Sound is not being sent'],
  basicMode: ['基础模式：不辨认是什么杂音', 'Basic mode: noises are not named'],
  notStored: ['不保存任何内容', 'Nothing is stored'],
  noDiagnosis: [
    '只评估录音是否听得清，不评估患者，不作诊断。',
    'It judges recordings, not patients: it is no diagnosis.',
  ],
  level: ['话筒音量', 'Microphone level'],
  levelSome: ['有声音', 'sound is coming in'],
  levelNone: ['很安静', 'quiet'],
  'patient.clear': ['清楚', 'Clear'],
  'patient.usable': ['还可以', 'Fair'],
  'patient.poor': ['不太清楚', 'Hard to hear'],
  'patient.nodata': ['正在听', 'Listening'],
  'patient.paused': ['已暂停', 'Paused'],
  'patient.network': ['正在重连', 'Reconnecting'],
  'patient.silent': ['没有声音', 'No sound'],
  'patient.connecting': ['正在连接', 'Connecting'],
  forDoctor: ['给医生', 'For the doctor'],
  session: ['会话', 'Session'],
  copyLink: ['复制链接', 'Copy link'],
  copied: ['已复制', 'Copied'],
  openLink: ['打开医生页面', 'Open the doctor’s page'],
  checkFile: ['已有录音？', 'Have a recording already?'],
  chooseFile: ['选择文件', 'Choose a file'],
  orDrop: [
    '选择文件或拖到这里，马上知道能不能用。',
    'Choose it or drop it here, and see at once whether it can be used.',
  ],
  assessing: ['正在听这段录音……', 'Listening to the recording …'],
  tooLarge: ['文件超过 200 MB，请换短一点的录音。', 'The file is over 200 MB. Please choose a shorter recording.'],
  fileFailed: ['这段录音没能听成。', 'This recording could not be assessed.'],
  'verdict.accept': ['录得很清楚，可以给医生听。', 'This is clear. The doctor can use it.'],
  'verdict.re-record': ['再录一遍会更好。', 'It would help to record this once more.'],
  'verdict.unusable': ['这次没能听清，我们再试一次吧。', 'We could not hear enough this time. Let us try once more.'],
  'verdict.null': ['这次还不能判断。', 'We cannot tell this time.'],
  noResult: ['已结束。', 'This has ended.'],
  'fault.denied': [
    '还没有允许使用麦克风。请点地址栏旁边的图标，允许麦克风，再点“开始”。',
    'The microphone is not allowed. Click the icon beside the address, allow the microphone, then press Start.',
  ],
  'fault.not_found': [
    '没有找到麦克风。请接上话筒或耳机，再点“开始”。',
    'No microphone was found. Please plug in a microphone or headset, then press Start.',
  ],
  'fault.busy': [
    '麦克风正被别的程序使用。请先关掉那个程序，再点“开始”。',
    'Another program is using the microphone. Please close it, then press Start.',
  ],
  'fault.insecure': [
    '为了安全，浏览器只在 https 网址上开放麦克风。请用 https 打开本页。',
    'Browsers open the microphone on secure pages only. Please open this page with https.',
  ],
  'fault.unsupported': [
    '这个浏览器不能录音。请换新版的 Chrome、Edge、Firefox 或 Safari。',
    'This browser cannot record. Please use a recent Chrome, Edge, Firefox or Safari.',
  ],
  'fault.unreachable': [
    '连不上服务器。请检查网络，再点“开始”。',
    'The server cannot be reached. Please check your network, then press Start.',
  ],
  'fault.lost': [
    '网络断开太久，这次已结束。请再点“开始”。',
    'The line was down too long, so this has ended. Please press Start again.',
  ],
  'fault.at_capacity': [
    '现在使用的人很多。请过几分钟再点“开始”。',
    'Many people are using this now. Please press Start again in a few minutes.',
  ],
  'fault.session_superseded': ['已在另一个窗口继续。', 'This goes on in another window.'],
  'fault.idle_timeout': [
    '很久没有声音，这次已结束。请再点“开始”。',
    'There was no sound for long, so this has ended. Please press Start again.',
  ],
  'fault.unknown_session': [
    '找不到这个会话。请向患者要新的链接。',
    'This session is not known. Please ask the patient for a new link.',
  ],
  'fault.session_expired': ['这个会话已经过期。', 'This session has expired.'],
  'fault.no_session': [
    '请用患者页面上的链接打开本页。',
    'Please open this page with the link from the patient’s page.',
  ],
  'fault.invalid_labels': [
    '链接里写的标签读不懂。请向给您链接的人要新的链接。',
    'The labels in this link cannot be read. Please ask whoever sent it for a new one.',
  ],
  'fault.undecodable_file': [
    '这个文件里读不出声音。请换 WAV、FLAC、OGG 或 MP3 格式的录音。',
    'No sound can be read from this file. Please choose a WAV, FLAC, OGG or MP3 recording.',
  ],
  'fault.other': ['出了点问题。请再试一次。', 'Something went wrong. Please try again.'],
};

/**
 * @param {Record<string, [zh: string, en: string]>} more strings of one element, looked up first
 * @returns {(key: string, language: Language) => string} throws on an unknown key: a missing sentence is a bug
 */
export function dictionary(more = {}) {
  return (key, language) => {
    const pair = more[key] ?? STRINGS[key];
    if (!pair) throw new Error(`no sentence for ${key}`);
    return pair[language === 'zh' ? 0 : 1];
  };
}

/** The sentence for a fault's code, always one. @param {string} code @param {Language} language @returns {string} */
export function faultSentence(code, language) {
  const [zh, en] = STRINGS[`fault.${code}`] ?? STRINGS['fault.other'];
  return language === 'zh' ? zh : en;
}

/** @param {string | null | undefined} tag BCP 47 @returns {Language} */
export function languageOf(tag) {
  return (tag ?? '').toLowerCase().startsWith('zh') ? 'zh' : 'en';
}
