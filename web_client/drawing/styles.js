/**
 * Styles that both elements share: colours, type, buttons, bars. Shadow roots adopt them; nothing is inline or
 * external.
 */

/** @param {string} css @returns {CSSStyleSheet} */
export function sheet(css) {
  const made = new CSSStyleSheet();
  made.replaceSync(css);
  return made;
}

/**
 * Blue, amber and brick can be told apart with every kind of colour vision, and each also has a shape and a word.
 * Every text colour has a contrast of at least 4.5:1 with its background.
 */
export const base = sheet(`
:host {
  --ink: #14242e; --quiet: #4c5b66; --line: #d3dade; --card: #fff; --tint: #f2f6f7;
  --clear: #0a5c8a; --clear-tint: #e2f0f7; --usable: #7a4d00; --usable-fill: #f0b02e; --usable-tint: #fdf3dc;
  --poor: #93370f; --poor-tint: #fbe9e0; --accent: #0a5c8a; --radius: 16px;
  display: block; color: var(--ink);
  font: 400 1rem/1.5 system-ui, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC",
    "WenQuanYi Micro Hei", sans-serif;
}
:host([hidden]), [hidden] { display: none !important; }
*, *::before, *::after { box-sizing: border-box; }
p, h1, h2, h3, ul, dl, dd { margin: 0; padding: 0; }
ul { list-style: none; }
h2 { font-size: 0.9375rem; font-weight: 600; color: var(--quiet); margin-bottom: 12px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: var(--radius); padding: 24px; }
.quiet { color: var(--quiet); font-size: 0.9375rem; }
a { color: var(--accent); text-underline-offset: 3px; }
button, .button {
  font: inherit; font-weight: 600; min-height: 48px; min-width: 48px; padding: 10px 22px; border-radius: 24px;
  border: 1.5px solid var(--accent); background: var(--card); color: var(--accent); cursor: pointer;
  display: inline-flex; align-items: center; justify-content: center; text-align: center; text-decoration: none;
}
button:hover, .button:hover { background: var(--clear-tint); }
button.main { background: var(--accent); color: #fff; }
button.main:hover { background: #084a70; }
:focus-visible, .button:focus-within { outline: 3px solid #f0b02e; outline-offset: 2px; box-shadow: 0 0 0 2px var(--ink); }
.shape .body { fill: currentColor; }
.shape .stroke { fill: none; stroke: #fff; stroke-width: 4.6; stroke-linecap: round; stroke-linejoin: round; }
.shape.usable .body { fill: var(--usable-fill); }
.shape.usable .stroke { stroke: #3a2600; }
.shape .dashed { fill: none; stroke: currentColor; stroke-width: 4; stroke-dasharray: 7.6 4.97; }
.clear { color: var(--clear); } .usable { color: var(--usable); } .poor { color: var(--poor); }
.nodata { color: var(--quiet); }
.bars { display: grid; gap: 14px; }
.bar { display: grid; grid-template-columns: 20px 1fr auto; gap: 3px 10px; align-items: center; color: var(--ink); }
.bar .shape { width: 20px; height: 20px; }
.bar .name { font-weight: 500; overflow-wrap: anywhere; }
.notice, [part=notices] { overflow-wrap: anywhere; }
.bar .note { color: var(--quiet); font-size: 0.875rem; white-space: nowrap; }
.track { grid-column: 2 / -1; position: relative; height: 10px; border-radius: 5px; background: #e4e9ec; }
.track .full { position: absolute; inset: 0 auto 0 0; border-radius: 5px; background: var(--clear); min-width: 4px;
  transition: width 0.3s; }
.bar.usable .full { background: repeating-linear-gradient(115deg, var(--usable-fill) 0 7px, #d48f0c 7px 10px); }
.bar.poor .full { background: repeating-linear-gradient(115deg, var(--poor) 0 4px, #c4693f 4px 7px); }
.bar.nodata .track { background: none; border: 1.5px dashed #93a1ab; }
.track .line { position: absolute; top: -3px; bottom: -3px; width: 2px; background: var(--ink); }
@media (prefers-reduced-motion: reduce) { *, *::before, *::after { transition: none !important; animation: none !important; } }
@media (forced-colors: active) { .track .full { background: CanvasText !important; } .shape .body { fill: CanvasText; } }
`);
