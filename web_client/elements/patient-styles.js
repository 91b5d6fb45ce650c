/** The patient's look: one card, one sentence, one thing to do. No red, no numbers. */

import { sheet } from '../drawing/styles.js';

export const patientSheet = sheet(`
:host { max-width: 34rem; margin: 0 auto; --poor: var(--quiet); }
.bar.poor .full { background: var(--poor); }
.stack { display: grid; gap: 16px; }
.stage { text-align: center; padding: 32px 24px 28px; display: grid; gap: 20px; justify-items: center; }
h1 { font-size: 1.75rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.01em; text-wrap: balance; }
.intro { color: var(--quiet); max-width: 26rem; text-wrap: pretty; }
.start { font-size: 1.25rem; min-height: 64px; padding: 12px 48px; border-radius: 32px; }
.meter { display: grid; justify-items: center; gap: 4px; }
.waves { width: 112px; height: 125px; }
.waves path { fill: none; stroke: currentColor; stroke-width: 6.5; stroke-linecap: round; transition: stroke 0.3s; }
.waves .off { stroke: var(--wave-off); stroke-dasharray: 0.001 0.999; }
.waves .mouth { fill: currentColor; }
.waves.usable { color: var(--wave); } .waves.poor { color: var(--quiet); }
.word { font-size: 1.375rem; font-weight: 650; color: var(--ink); }
.level { width: min(100%, 18rem); height: 10px; border-radius: 5px; background: var(--track); overflow: hidden; }
.level i { display: block; height: 100%; width: 100%; border-radius: 5px; background: var(--accent);
  transform: scaleX(0); transform-origin: left; will-change: transform; }
.speech { min-height: 4.5rem; width: 100%; display: grid; gap: 16px; justify-items: center; align-content: center;
  border-radius: 12px; padding: 16px; }
.speech.asking { background: var(--usable-tint); border: 1px solid var(--notice-line); }
.sentence { font-size: 1.5rem; line-height: 1.4; font-weight: 600; text-wrap: balance; }
.sentence:empty { display: none; }
.actions { display: flex; flex-wrap: wrap; gap: 12px; justify-content: center; }
.truth { display: flex; flex-wrap: wrap; gap: 4px 20px; justify-content: center; text-align: center; font-size: 0.9375rem; color: var(--quiet); }
.truth span { display: inline-flex; align-items: center; gap: 8px; }
.truth svg { width: 18px; height: 18px; flex: none; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; }
.truth .on { color: var(--clear); font-weight: 600; }
.doctor { display: flex; flex-wrap: wrap; gap: 8px 20px; align-items: center; justify-content: space-between; padding: 16px 24px; }
.doctor p { flex: 1 0 100%; }
.code { font: 600 1.0625rem/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace; letter-spacing: 0.08em; }
.doctor a { display: inline-flex; align-items: center; min-height: 48px; }
.file { display: grid; gap: 4px 12px; grid-template-columns: 1fr auto; align-items: center; border-style: dashed; padding: 20px 24px; }
.file.over { border-color: var(--accent); background: var(--clear-tint); }
.file input { position: absolute; opacity: 0; width: 1px; height: 1px; }
.file .bars, .file .verdict { grid-column: 1 / -1; }
.verdict { display: grid; gap: 8px; justify-items: center; text-align: center; padding: 12px 0; }
.verdict .waves { width: 88px; height: 98px; }
.verdict strong { font-size: 1.375rem; line-height: 1.35; text-wrap: balance; }
.verdict .source, .advice { overflow-wrap: anywhere; } .advice { font-size: 1.25rem; line-height: 1.4; text-wrap: balance; }
.advice:empty { display: none; }
.next { font-weight: 600; text-wrap: balance; }
.work { grid-column: 1 / -1; display: grid; grid-template-columns: 1fr auto; gap: 16px; align-items: center; }
progress { width: 100%; height: 12px; accent-color: var(--accent); }
.device { display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: center; justify-content: center; max-width: 100%; font-weight: 600; }
.device select { font: inherit; min-height: 48px; max-width: 100%; min-width: 0; padding: 8px 12px; border-radius: 12px; color: var(--ink);
  background: var(--card); border: 1.5px solid var(--dashed); }
.footer, .intro, .file .quiet { text-wrap: balance; }
.footer { text-align: center; }
@media (max-width: 30rem) { .stage { padding: 24px 16px; } .file { grid-template-columns: 1fr; gap: 12px; } }
`);
