/** The doctor's look: the grade at the top, the reasons beneath. */

import { sheet } from '../drawing/styles.js';

export const doctorSheet = sheet(`
:host { max-width: 68rem; margin: 0 auto; }
.stack { display: grid; gap: 16px; align-content: start; }
.strip { display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: center; min-height: 40px; }
.code { font: 600 1.125rem/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace; letter-spacing: 0.08em; margin-right: 4px; }
.pill { display: inline-flex; align-items: center; gap: 8px; padding: 4px 14px; border-radius: 16px; font-size: 0.9375rem;
  border: 1px solid var(--line); background: var(--card); }
.pill.live::before { content: ""; width: 9px; height: 9px; border-radius: 50%; background: var(--clear); }
.pill.off::before { content: ""; width: 9px; height: 9px; border-radius: 50%; border: 2px solid var(--quiet); }
.pill.notice { background: var(--usable-tint); border-color: var(--notice-line); color: var(--notice-ink); }
.hero { display: grid; grid-template-columns: minmax(18rem, 5fr) 6fr; gap: 32px; align-items: center; padding: 28px 32px;
  border-width: 2px; }
.hero.clear { border-color: var(--clear); background: linear-gradient(100deg, var(--clear-tint), var(--card) 55%); }
.hero.usable { border-color: #d99a1c; background: linear-gradient(100deg, var(--usable-tint), var(--card) 55%); }
.hero.poor { border-color: var(--poor); background: linear-gradient(100deg, var(--poor-tint), var(--card) 55%); }
.hero.nodata { border: 2px dashed #8d9ba5; }
.glance { display: grid; grid-template-columns: auto 1fr; gap: 4px 24px; align-items: center; }
.glance .shape { width: 96px; height: 96px; }
.word { font-size: 2.5rem; line-height: 1.15; font-weight: 700; letter-spacing: -0.015em; }
.reason { margin-top: 6px; color: var(--ink); font-size: 1.0625rem; text-wrap: pretty; }
.around { margin-top: 6px; color: var(--ink); font-weight: 600; } .around:empty { display: none; }
.plot { display: block; width: 100%; height: auto; overflow: visible; }
.plot .band.clear { fill: var(--band-clear); } .plot .band.usable { fill: var(--band-usable); } .plot .band.poor { fill: var(--band-poor); }
.plot .curve { fill: none; stroke: var(--ink); stroke-width: 4; stroke-linejoin: round; stroke-linecap: round; }
.plot .dot { fill: var(--ink); stroke: var(--card); stroke-width: 3; } .plot .none { display: none; }
.axis { display: flex; justify-content: space-between; font-size: 0.875rem; margin: 4px 0 0 6.6%; }
.trend h2 { margin-bottom: 6px; }
.columns { display: grid; grid-template: auto 1fr / 1fr 1fr; gap: 16px; align-items: start; }
.columns > * { grid-column: 2; } .columns > .labels { grid-area: 1 / 1 / span 2; }
.told { font-size: 1.25rem; font-weight: 600; line-height: 1.4; text-wrap: balance; }
.told.none { font-size: 1rem; font-weight: 400; color: var(--quiet); }
.help { margin-top: 12px; padding: 12px 14px; border-radius: 10px; background: var(--usable-tint); border: 1px solid var(--notice-line); }
.nudges li { display: flex; flex-wrap: wrap; gap: 4px 8px; align-items: center; } .nudges .ask { flex: 1 1 12rem; }
.nudges button { padding: 6px 14px; font-size: 0.9375rem; } button:disabled { color: var(--quiet); border-color: var(--line); cursor: default; }
.list { display: grid; gap: 6px; }
.list .at { font-variant-numeric: tabular-nums; font-weight: 600; margin-right: 8px; }
.said { display: flex; flex-wrap: wrap; gap: 2px 8px; align-items: baseline; }
.said .at { min-width: 2.75em; margin-right: 0; } .said strong { color: var(--clear); } .said.denied strong { color: var(--quiet); }
.said.noticed strong { color: var(--usable); } .said .pill { padding: 0 10px; }
.measures { display: grid; grid-template-columns: repeat(2, 1fr auto); gap: 6px 14px; }
.measures dt { color: var(--quiet); font-size: 0.9375rem; }
.measures dd { text-align: right; font-variant-numeric: tabular-nums; font-weight: 500; padding-right: 14px; }
.footer { text-align: center; text-wrap: balance; }
@media (max-width: 52rem) { .hero, .columns { grid-template: none / minmax(0, 1fr); } .columns > *, .columns > .labels { grid-area: auto; } .hero { gap: 16px; } .measures { grid-template-columns: 1fr auto; } .hero { padding: 20px; }
  .glance .shape { width: 72px; height: 72px; } .word { font-size: 2rem; } .measures dd { padding-right: 0; } }
.answers { display: flex; flex-wrap: wrap; gap: 12px; } .answers button { flex: 1 1 auto; padding: 10px 14px; white-space: nowrap; }
.answers [aria-pressed=true] { background: var(--accent); color: var(--on-accent); }
.heard .quiet { margin-top: 8px; } .heard .quiet:empty { display: none; }
@media (max-width: 30rem) { .stack { gap: 12px; } .card, .hero { padding: 16px; } h2 { margin-bottom: 8px; } }
`);
