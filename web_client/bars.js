/** One bar per label: full is good. Used live by the doctor's element and for the result of a recording. */

import { h } from './dom.js';
import { gradeOf } from './meter.js';
import { gradeShape } from './shapes.js';
import { dictionary } from './strings.js';

/** Short names that say what a full bar means; other labels keep their own title. */
const text = dictionary({
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

/** @typedef {import('./types.js').Language} Language */

/** @param {{id: string, title: import('./types.js').Text}} label @param {Language} language @returns {string} */
export function nameOf({ id, title }, language) {
  try {
    return text(`name.${id}`, language);
  } catch {
    return title[language];
  }
}

/** @param {string | null} why @param {Language} language @returns {string} */
export function whyText(why, language) {
  return text(why === null ? 'grade.nodata' : `why.${why}`, language);
}

/** Bars in a list; kept and updated in place, so that they grow and shrink instead of blinking. */
export class Bars {
  element = h('ul', { class: 'bars' });
  #drawn = '';

  /** @param {import('./meter.js').Row[]} rows in the order to show @param {Language} language */
  show(rows, language) {
    const drawn = JSON.stringify([
      language,
      rows.map(({ id, score, threshold, why }) => [id, gradeOf(score, threshold), why]),
    ]);
    if (drawn !== this.#drawn) {
      this.#drawn = drawn;
      this.element.replaceChildren(...rows.map((row) => this.#bar(row, language)));
    }
    rows.forEach((row, i) => this.#measure(this.element.children[i], row));
  }

  /** @param {import('./meter.js').Row} row @param {Language} language */
  #bar(row, language) {
    const grade = gradeOf(row.score, row.threshold);
    const note = grade === 'nodata' ? whyText(row.why, language) : text(`grade.${grade}`, language);
    const line = h('i', { class: 'line', hidden: grade === 'nodata' });
    line.style.left = `${100 * row.threshold}%`;
    const name = nameOf(row, language);
    return h(
      'li',
      { class: `bar ${grade}`, title: row.title[language] },
      gradeShape(grade),
      h('span', { class: 'name' }, name),
      h('span', { class: 'note' }, note),
      h(
        'div',
        {
          class: 'track',
          role: 'meter',
          'aria-label': name,
          'aria-valuemin': '0',
          'aria-valuemax': '1',
          'aria-valuetext': note,
        },
        h('i', { class: 'full', hidden: grade === 'nodata' }),
        line,
      ),
    );
  }

  /** @param {Element} bar @param {import('./meter.js').Row} row */
  #measure(bar, { score }) {
    const track = /** @type {HTMLElement} */ (bar.querySelector('.track'));
    track.setAttribute('aria-valuenow', (score ?? 0).toFixed(2));
    /** @type {HTMLElement} */ (track.firstElementChild).style.width = `${(100 * (score ?? 0)).toFixed(1)}%`;
  }
}
