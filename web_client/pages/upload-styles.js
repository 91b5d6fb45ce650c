/** The look of the page for recordings. */

import { sheet } from '../drawing/styles.js';

export const uploadSheet = sheet(`
:host { max-width: 60rem; margin: 0 auto; }
h1 { font-size: 1.5rem; margin: 8px 0 16px; }
.zone { display: grid; gap: 16px; border-style: dashed; border-width: 2px; text-wrap: pretty; }
.zone.over { border-color: var(--accent); background: var(--clear-tint); }
.choices { display: flex; flex-wrap: wrap; gap: 12px; }
.choices > * { flex: 1 1 12em; position: relative; }
.choices input { position: absolute; opacity: 0; width: 1px; height: 1px; }
.told { color: var(--poor); font-weight: 600; margin: 12px 0; } .told:empty, .progress:empty { display: none; }
.progress { font-weight: 600; margin: 16px 0 12px; font-variant-numeric: tabular-nums; }
.items { display: grid; gap: 12px; margin-bottom: 16px; }
.item { padding: 16px; display: grid; gap: 10px; grid-template-columns: minmax(0, 1fr); }
.head { display: grid; grid-template-columns: auto 1fr auto; gap: 4px 10px; align-items: center; }
.head h2 { margin: 0; color: var(--ink); overflow-wrap: anywhere; min-width: 0; grid-column: 2; }
.grade:empty { display: none; } .grade svg { width: 28px; height: 28px; display: block; }
.state { text-align: right; }
.work { display: grid; grid-template-columns: 1fr auto; gap: 16px; align-items: center; }
.work button { grid-column: 2; }
progress { width: 100%; height: 12px; accent-color: var(--accent); }
.waveform { display: block; width: 100%; height: 72px; background: var(--tint); border-radius: 8px; }
.waveform .sound { stroke: var(--accent); stroke-width: 2; vector-effect: non-scaling-stroke; fill: none; }
.waveform .spoiled { fill: var(--band-poor); }
summary { min-height: 48px; display: flex; align-items: center; cursor: pointer; font-weight: 600; color: var(--accent); }
@media (max-width: 30rem) {
  .zone { padding: 16px; }
  .head { grid-template-columns: auto 1fr; }
  .state { grid-column: 2; text-align: left; }
}
`);
