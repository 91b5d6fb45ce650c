/** A column chart in plain SVG: shares from 0 to 100 %, each with its interval. */

import { svg } from './dom.js';

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [720, 200, 52, 24, 12];
const MOST_NAMES = 8;

/**
 * @typedef {{name: string, rate: number | null, low: number | null, high: number | null}} Column
 */

/**
 * @param {Column[]} columns @param {string} label what it is, for who cannot see it
 * @returns {SVGElement}
 */
export function columnChart(columns, label) {
  const chart = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: 'columns', role: 'img', 'aria-label': label });
  const y = (/** @type {number} */ rate) => TOP + (1 - rate) * (HEIGHT - TOP - BOTTOM);
  for (const rate of [0, 0.5, 1]) {
    const at = String(y(rate));
    chart.append(
      svg('line', { x1: String(LEFT), x2: String(WIDTH), y1: at, y2: at, class: 'grid' }),
      svg('text', { x: String(LEFT - 6), y: at, class: 'scale' }, `${100 * rate} %`),
    );
  }
  const step = (WIDTH - LEFT) / Math.max(columns.length, 1);
  const every = Math.ceil(columns.length / MOST_NAMES);
  columns.forEach(({ name, rate, low, high }, i) => {
    const middle = LEFT + (i + 0.5) * step;
    if (i % every === 0) {
      chart.append(svg('text', { x: middle.toFixed(1), y: String(HEIGHT - 6), class: 'name' }, name));
    }
    if (rate === null || low === null || high === null) return;
    const wide = Math.min(step * 0.7, 40);
    chart.append(
      svg('rect', {
        x: (middle - wide / 2).toFixed(1),
        y: y(rate).toFixed(1),
        width: wide.toFixed(1),
        height: Math.max(y(0) - y(rate), 1).toFixed(1),
        class: 'column',
      }),
      svg('line', {
        x1: middle.toFixed(1),
        x2: middle.toFixed(1),
        y1: y(high).toFixed(1),
        y2: y(low).toFixed(1),
        class: 'interval',
      }),
    );
  });
  return chart;
}
