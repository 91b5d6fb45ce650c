/** One bar per label: full is good. Used live by the doctor's element and for the result of a recording. */

import { h, mark } from './dom.js';
import { barText, nameOf, whyText } from '../language/labels.js';
import { gradeOf } from '../meter/rows.js';
import { gradeShape } from './shapes.js';

/**
 * @import { Row } from '../meter/rows.js'
 * @import { Language } from '../protocol/types.js'
 */

/** A list of bars, updated in place, so that they grow and shrink instead of blinking. */
export class Bars {
  element = h('ul', { class: 'bars' });
  #drawn = '';

  /** @param {Row[]} rows in the order to show @param {Language} language */
  show(rows, language) {
    const drawn = JSON.stringify([
      language,
      rows.map(({ id, score, threshold, why }) => [id, gradeOf(score, threshold), why]),
    ]);
    if (drawn !== this.#drawn) {
      this.#drawn = drawn;
      this.element.replaceChildren(...rows.map((row) => this.#bar(row, language)));
    }
    rows.forEach(({ score }, i) => this.#measure(this.element.children.item(i), score));
  }

  /** @param {Row} row @param {Language} language */
  #bar(row, language) {
    const grade = gradeOf(row.score, row.threshold);
    const note = grade === 'nodata' ? whyText(row.why, language) : barText(`grade.${grade}`, language);
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

  /** @param {Element | null} bar @param {number | null} score */
  #measure(bar, score) {
    const track = /** @type {HTMLElement} */ (bar?.querySelector('.track'));
    mark(track, 'aria-valuenow', (score ?? 0).toFixed(2));
    /** @type {HTMLElement} */ (track.firstElementChild).style.width = `${(100 * (score ?? 0)).toFixed(1)}%`;
  }
}
