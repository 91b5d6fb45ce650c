/** The overall score of the last 60 s as a line; broken where there was none. */

import { doctorText } from './doctor-strings.js';
import { h, mark, svg } from './dom.js';
import { TREND_S } from './meter.js';

const [WIDTH, HEIGHT, TOP] = [600, 150, 10];
const PASS_LINE = 0.7;
/** Updates come every second; a longer way between two is a hole. */
const HOLE_S = 2.5;

const y = (/** @type {number} */ score) => TOP + (1 - score) * (HEIGHT - 2 * TOP);

export class Trend {
  #line = svg('path', { class: 'curve' });
  #dot = svg('circle', { r: '7', class: 'dot' });
  #svg = svg(
    'svg',
    { viewBox: `0 0 ${WIDTH + 12} ${HEIGHT}`, role: 'img', class: 'plot' },
    svg('path', { class: 'grid', d: `M0 ${y(1)}H${WIDTH}M0 ${y(0)}H${WIDTH}` }),
    svg('path', { class: 'pass', d: `M0 ${y(PASS_LINE)}H${WIDTH}` }),
    this.#line,
    this.#dot,
  );
  #title = h('h2');
  #then = h('span');
  #pass = h('span', { class: 'key' });
  #now = h('span');
  element = h('div', { class: 'trend' }, this.#title, this.#svg, h('div', { class: 'axis quiet' }, this.#then, this.#pass, this.#now));

  /**
   * @param {import('./meter.js').TrendPoint[]} points oldest first
   * @param {import('./types.js').Language} language
   */
  show(points, language) {
    this.#title.textContent = doctorText('trend', language);
    this.#then.textContent = doctorText('trendThen', language);
    this.#pass.textContent = doctorText('trendLine', language);
    this.#now.textContent = doctorText('trendNow', language);
    const end = points.at(-1)?.at_s ?? 0;
    const x = (/** @type {number} */ at_s) => WIDTH * (1 - (end - at_s) / TREND_S);
    let path = '';
    let pen = -Infinity;
    for (const { at_s, score } of points) {
      if (score === null) continue;
      path += `${at_s - pen > HOLE_S ? 'M' : 'L'}${x(at_s).toFixed(1)} ${y(score).toFixed(1)}`;
      pen = at_s;
    }
    mark(this.#line, 'd', path);
    const last = points.at(-1)?.score ?? null;
    this.#dot.classList.toggle('none', last === null);
    if (last !== null) {
      mark(this.#dot, 'cx', String(x(end)));
      mark(this.#dot, 'cy', String(y(last)));
    }
    const scores = points.flatMap(({ score }) => (score === null ? [] : [score]));
    const said = last === null ? doctorText('trendNone', language) : doctorText('trendText', language);
    mark(this.#svg, 'aria-label', said.replace('{now}', (last ?? 0).toFixed(2)).replace('{low}', Math.min(...scores).toFixed(2)));
  }
}
