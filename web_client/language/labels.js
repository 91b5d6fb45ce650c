/** Short names of the labels, and why one has no score. */

import { dictionary, inOf } from './dictionary.js';

/**
 * @import { Language, Text, Why } from '../protocol/types.js'
 * @import { Pair } from './dictionary.js'
 */

/**
 * They say what a full bar means. Other labels keep their own title.
 * @type {ReadonlyMap<string, Pair>}
 */
const NAMES = new Map(
  Object.entries(
    /** @type {Record<string, Pair>} */ ({
      speech_present: ['有人说话', 'Someone speaking'],
      low_background: ['环境安静', 'Quiet room'],
      close_enough: ['离得够近', 'Close enough'],
      intelligible: ['发音可辨', 'Intelligible'],
      moderate_pace: ['语速合适', 'Comfortable pace'],
      low_reverberation: ['没有回音', 'Room without echo'],
      no_crosstalk: ['只有一人说话', 'One voice at a time'],
      no_clipping: ['没有爆音', 'Not too loud'],
      continuous_signal: ['声音连续', 'Unbroken sound'],
      full_bandwidth: ['声音不闷', 'Not muffled'],
    }),
  ),
);

export const barText = dictionary({
  'grade.clear': ['好', 'good'],
  'grade.usable': ['偏低', 'low'],
  'grade.poor': ['很低', 'very low'],
  'grade.nodata': ['无数据', 'no data'],
  'why.too_short': ['太短', 'too short'],
  'why.no_speech': ['无人说话', 'no speech'],
  'why.processing_enabled': ['经浏览器处理', 'altered by the browser'],
  'why.needs_clap': ['基础模式不评估', 'not in basic mode'],
  'why.needs_transcript': ['需要转写', 'needs a transcript'],
  'why.no_evidence': ['没有依据', 'no evidence'],
  'why.shed': ['服务器繁忙', 'server busy'],
  'why.unscorable': ['无法评分', 'cannot be scored'],
});

/**
 * @param {{id: string, title: Text}} label
 * @param {Language} language
 * @returns {string}
 */
export function nameOf({ id, title }, language) {
  const name = NAMES.get(id);
  return name ? inOf(name, language) : title[language];
}

/** @param {Why | null} why @param {Language} language @returns {string} */
export function whyText(why, language) {
  return barText(why === null ? 'grade.nodata' : `why.${why}`, language);
}
