/** The sentences of the page for recordings. */

import { dictionary } from './dictionary.js';

export const uploadText = dictionary({
  title: ['评估录音', 'Assess recordings'],
  intro: [
    '把录音文件或文件夹拖到这里，或者点击选择。每个文件单独评估；声音评估后立即删除。',
    'Drop recordings or folders here, or choose them. Each file is assessed by itself; its sound is deleted right after.',
  ],
  chooseFiles: ['选择文件', 'Choose files'],
  chooseFolder: ['选择文件夹', 'Choose a folder'],
  doctorsOnly: [
    '查看密钥只能查看。要上传录音，请退出后用医生（doctor）密钥登录。',
    'A viewer key only watches. To send recordings, sign out and sign in with a doctor key.',
  ],
  nothingFound: ['里面没有文件。', 'There is no file in it.'],
  tooMany: [
    '一次最多 {most} 个文件，其余的没有加入。更多文件请用 tingqing batch send。',
    'At most {most} files at once; the others were left out. For more, use tingqing batch send.',
  ],
  progress: ['已完成 {settled} / {all}，合格 {accepted}', '{settled} of {all} done, {accepted} accepted'],
  withTranscript: ['附转写：{name}', 'With what was said: {name}'],
  waiting: ['等待中', 'Waiting'],
  sending: ['正在上传……', 'Sending …'],
  judging: ['正在评估……', 'Assessing …'],
  cancelled: ['已取消', 'Cancelled'],
  failed: ['无法评估', 'Not assessed'],
  sent: ['{name}：上传进度', '{name}: sent so far'],
  cancel: ['取消', 'Cancel'],
  cancelOne: ['取消 {name}', 'Cancel {name}'],
  'verdict.accept': ['合格', 'Accepted'],
  'verdict.re-record': ['建议复录', 'Record again'],
  'verdict.unusable': ['无法使用', 'Unusable'],
  'verdict.null': ['无法判断', 'Not judged'],
  details: ['各项得分', 'Each label'],
  report: ['打开报告（可打印）', 'Open the report (to print)'],
  waveform: [
    '{name} 的波形，{seconds} 秒；其中 {spoiled} 秒无法使用',
    'Waveform of {name}, {seconds} s, {spoiled} s of it not usable',
  ],
  csv: ['下载结果（CSV）', 'Download results (CSV)'],
  json: ['下载结果（JSON）', 'Download results (JSON)'],
  clear: ['清空列表', 'Clear the list'],
  'column.file': ['文件', 'File'],
  'column.state': ['状态', 'State'],
  'column.verdict': ['结论', 'Verdict'],
  'column.score': ['总分', 'Score'],
  'column.advice': ['建议', 'Advice'],
  done: ['已完成', 'Done'],
});

/** @typedef {Parameters<typeof uploadText>[0]} UploadKey */
