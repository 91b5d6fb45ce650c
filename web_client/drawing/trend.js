/**
 * The lowest label's score over the last 60 s, on bands for the grades. The curve has holes where nothing was scored.
 */

import { doctorText } from '../language/doctor-strings.js';
import { h, mark, say, svg } from './dom.js';
import { TREND_S } from '../meter/meter.js';
import { DRAWN_THRESHOLD, POOR_BELOW } from '../meter/rows.js';
import { gradeShape } from './shapes.js';

/**
 * @import { TrendPoint } from '../meter/meter.js'
 * @import { Grade, Language } from '../protocol/types.js'
 */

const [WIDTH, HEIGHT, TOP] = [560, 170, 8];
/** Room for the bands' shapes, left of the plot. */
const MARGIN = 40;
/** Updates come every second; a longer time between two is a hole. */
const HOLE_S = 2.5;

const y = (/** @type {number} */ score) => TOP + (1 - score) * (HEIGHT - 2 * TOP);

/** @param {Grade} grade @param {number} from @param {number} to */
function band(grade, from, to) {
  const shape = gradeShape(grade);
  const at = { x: String(-MARGIN), y: String((y(from) + y(to)) / 2 - 11), width: '22', height: '22' };
  for (const [name, value] of Object.entries(at)) shape.setAttribute(name, value);
  return [
    svg('rect', {
      class: `band ${grade}`,
      x: '0',
      y: String(y(from)),
      width: String(WIDTH),
      height: String(y(to) - y(from)),
    }),
    shape,
  ];
}

export class Trend {
  #line = svg('path', { class: 'curve' });
  #dot = svg('circle', { r: '7', class: 'dot' });
  #svg = svg(
    'svg',
    { viewBox: `${-MARGIN} 0 ${WIDTH + MARGIN + 8} ${HEIGHT}`, role: 'img', class: 'plot' },
    ...band('clear', 1, DRAWN_THRESHOLD),
    ...band('usable', DRAWN_THRESHOLD, POOR_BELOW),
    ...band('poor', POOR_BELOW, 0),
    this.#line,
    this.#dot,
  );
  #title = h('h2');
  #then = h('span');
  #now = h('span');
  element = h(
    'div',
    { class: 'trend' },
    this.#title,
    this.#svg,
    h('div', { class: 'axis quiet' }, this.#then, this.#now),
  );

  /**
   * @param {TrendPoint[]} points oldest first
   * @param {Language} language
   * @param {boolean} gone the last point is not the present
   */
  show(points, language, gone) {
    say(this.#title, doctorText('trend', language));
    say(this.#then, doctorText('trendThen', language));
    say(this.#now, doctorText('trendNow', language));
    const newest = points.at(-1) ?? { at_s: 0, score: null };
    mark(this.#line, 'd', curve(points, newest.at_s));
    const last = gone ? null : newest.score;
    this.#drawDot(last);
    const scores = points.flatMap(({ score }) => (score === null ? [] : [score]));
    const values = { now: (last ?? 0).toFixed(2), low: Math.min(...scores).toFixed(2) };
    mark(this.#svg, 'aria-label', doctorText(last === null ? 'trendNone' : 'trendText', language, values));
  }

  /** @param {number | null} score of now; none: no dot */
  #drawDot(score) {
    this.#dot.classList.toggle('none', score === null);
    if (score === null) return;
    mark(this.#dot, 'cx', String(WIDTH));
    mark(this.#dot, 'cy', String(y(score)));
  }
}

/**
 * @param {TrendPoint[]} points
 * @param {number} end s, at the right edge
 * @returns {string} a path
 */
function curve(points, end) {
  let path = '';
  let pen = -Infinity;
  for (const { at_s, score } of points) {
    if (score === null) continue;
    const x = WIDTH * (1 - (end - at_s) / TREND_S);
    path += `${at_s - pen > HOLE_S ? 'M' : 'L'}${x.toFixed(1)} ${y(score).toFixed(1)}`;
    pen = at_s;
  }
  return path;
}
