/** Each grade has its own shape, so that nobody has to tell colours apart. */

import { svg } from './dom.js';

/** @import { Grade } from '../protocol/types.js' */

/** Drawn on 48 × 48. @type {Record<Grade, () => SVGElement[]>} */
const SHAPES = {
  clear: () => [
    svg('circle', { cx: '24', cy: '24', r: '21', class: 'body' }),
    svg('path', { d: 'M14.5 24.8l6.6 6.7 12.6-14', class: 'stroke' }),
  ],
  usable: () => [
    svg('path', { d: 'M24 5.2 44 40.6a1.6 1.6 0 0 1-1.4 2.4H5.4A1.6 1.6 0 0 1 4 40.6Z', class: 'body' }),
    svg('path', { d: 'M24 18v11.5M24 35.6v.2', class: 'stroke' }),
  ],
  poor: () => [
    svg('path', { d: 'M15.7 4h16.6L44 15.7v16.6L32.3 44H15.7L4 32.3V15.7Z', class: 'body' }),
    svg('path', { d: 'M17 17l14 14M31 17 17 31', class: 'stroke' }),
  ],
  nodata: () => [svg('circle', { cx: '24', cy: '24', r: '20', class: 'dashed' })],
};

/** Calm shapes for the patient: waves show how much of the voice arrives. @type {Record<Grade, number>} */
const WAVES = { clear: 3, usable: 2, poor: 1, nodata: 0 };

const rounded = (/** @type {number} */ length) => Math.round(10 * length) / 10;

/** @param {Grade} grade @returns {SVGElement} circle-tick, triangle, octagon-cross or dashed circle; decorative */
export function gradeShape(grade) {
  return svg('svg', { viewBox: '0 0 48 48', class: `shape ${grade}`, 'aria-hidden': 'true' }, ...SHAPES[grade]());
}

/** @param {Grade} grade @returns {SVGElement} a speaking mouth's waves: three arrive, two, one, none; decorative */
export function waveShape(grade) {
  const arcs = [14, 24, 34].map((r, i) => {
    const x = 24 + rounded(r * Math.cos(0.72));
    const y = rounded(r * Math.sin(0.72));
    const d = `M${x} ${48 - y}A${r} ${r} 0 0 1 ${x} ${48 + y}`;
    // Counted in dots, plus a little, so that the last dot is drawn too.
    return svg('path', { d, pathLength: `${2 * i + 2}.001`, class: i < WAVES[grade] ? 'wave' : 'wave off' });
  });
  const mouth = svg('circle', { cx: '24', cy: '48', r: '7.5', class: 'mouth' });
  return svg('svg', { viewBox: '14 20 50 56', class: `waves ${grade}`, 'aria-hidden': 'true' }, mouth, ...arcs);
}
