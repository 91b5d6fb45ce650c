/** A recording as a line that can be seen: its outline, and what of it cannot be used. */

import { svg } from './dom.js';

/** @import { Span } from '../protocol/types.js' */

const [WIDTH, HEIGHT] = [960, 72];
/** So quiet a sound is still drawn, dB. */
const FLOOR_DB = -60;

/**
 * @param {number[]} peaks 0..1, in equal steps of time; empty: not known
 * @param {number} duration s
 * @param {Span[]} spoiled
 * @param {string} label what it is, for who cannot see it
 * @returns {SVGElement}
 */
export function waveform(peaks, duration, spoiled, label) {
  const drawing = svg('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: 'waveform',
    role: 'img',
    'aria-label': label,
    preserveAspectRatio: 'none',
  });
  for (const { start_s, end_s } of spoiled) {
    const [from, to] = [start_s, Math.min(end_s, duration)].map((at) => (WIDTH * at) / Math.max(duration, 0.001));
    const width = Math.max((to ?? 0) - (from ?? 0), 2);
    drawing.append(
      svg('rect', { x: px(from ?? 0), y: '0', width: px(width), height: String(HEIGHT), class: 'spoiled' }),
    );
  }
  drawing.append(svg('path', { d: outline(peaks), class: 'sound' }));
  return drawing;
}

/** @param {number[]} peaks */
function outline(peaks) {
  const middle = HEIGHT / 2;
  const step = WIDTH / Math.max(peaks.length, 1);
  const columns = peaks.map((peak, i) => {
    const high = height(peak);
    return `M${px((i + 0.5) * step)} ${px(middle - high)}V${px(middle + high)}`;
  });
  return columns.length ? columns.join('') : `M0 ${middle}H${WIDTH}`;
}

/** Of half a column: loudness as an ear hears it, in decibels. @param {number} peak */
function height(peak) {
  const share = 1 - (20 * Math.log10(Math.max(peak, 1e-6))) / FLOOR_DB;
  return Math.max(1, share * (HEIGHT / 2 - 2));
}

/** @param {number} length */
function px(length) {
  return length.toFixed(1);
}
