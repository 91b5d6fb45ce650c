/** Short names of the labels, and why one has no score. */

import { dictionary } from './strings.js';

/** Short names that say what a full bar means; other labels keep their own title. */
export const barText = dictionary({
  'name.speech_present': ['有人说话', 'Someone speaking'],
  'name.low_background': ['环境安静', 'Quiet room'],
  'name.close_enough': ['离得够近', 'Close enough'],
  'name.intelligible': ['发音可辨', 'Intelligible'],
  'name.moderate_pace': ['语速合适', 'Comfortable pace'],
  'name.low_reverberation': ['没有回音', 'Room without echo'],
  'name.no_crosstalk': ['一人说话', 'One voice at a time'],
  'name.no_clipping': ['声音不爆', 'Not too loud'],
  'name.continuous_signal': ['声音连续', 'Unbroken sound'],
  'name.full_bandwidth': ['声音不闷', 'Not muffled'],
  'grade.clear': ['好', 'good'],
  'grade.usable': ['偏低', 'low'],
  'grade.poor': ['很低', 'very low'],
  'grade.nodata': ['没有数据', 'no data'],
  'why.too_short': ['太短', 'too short'],
  'why.no_speech': ['没有人说话', 'no speech'],
  'why.processing_enabled': ['被浏览器处理过', 'altered by the browser'],
  'why.needs_clap': ['基础模式不评', 'not in basic mode'],
  'why.needs_transcript': ['需要转写', 'needs a transcript'],
  'why.no_evidence': ['没有依据', 'no evidence'],
  'why.shed': ['服务器繁忙', 'server busy'],
  'why.unscorable': ['无法评分', 'cannot be scored'],
});

/** @typedef {import('../protocol/types.js').Language} Language */

/** @param {{id: string, title: import('../protocol/types.js').Text}} label @param {Language} language @returns {string} */
export function nameOf({ id, title }, language) {
  try {
    return barText(`name.${id}`, language);
  } catch {
    return title[language];
  }
}

/** @param {string | null} why @param {Language} language @returns {string} */
export function whyText(why, language) {
  return barText(why === null ? 'grade.nodata' : `why.${why}`, language);
}
