/** One bar per label: full is good. Used live by the doctor's element and for the result of a recording. */

import { h } from './dom.js';
import { barText, nameOf, whyText } from '../language/labels.js';
import { gradeOf } from '../meter/rows.js';
import { gradeShape } from './shapes.js';

/** @typedef {import('../protocol/types.js').Language} Language */

/** Bars in a list; kept and updated in place, so that they grow and shrink instead of blinking. */
export class Bars {
  element = h('ul', { class: 'bars' });
  #drawn = '';

  /** @param {import('../meter/rows.js').Row[]} rows in the order to show @param {Language} language */
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

  /** @param {import('../meter/rows.js').Row} row @param {Language} language */
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

  /** @param {Element} bar @param {import('../meter/rows.js').Row} row */
  #measure(bar, { score }) {
    const track = /** @type {HTMLElement} */ (bar.querySelector('.track'));
    track.setAttribute('aria-valuenow', (score ?? 0).toFixed(2));
    /** @type {HTMLElement} */ (track.firstElementChild).style.width = `${(100 * (score ?? 0)).toFixed(1)}%`;
  }
}
