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
  --poor: #93370f; --poor-tint: #fbe9e0; --accent: #0a5c8a; --on-accent: #fff; --accent-hover: #084a70;
  --track: #e4e9ec; --dashed: #93a1ab; --stripe: #d48f0c; --poor-stripe: #c4693f; --radius: 16px;
  --notice-line: #e3bf73; --notice-ink: #5a3900; --wave: #b97a00; --wave-off: #d5dde1;
  --band-clear: #d6e8f2; --band-usable: #fbeccb; --band-poor: #f6dccf;
  display: block; color: var(--ink);
  font: 400 1rem/1.5 system-ui, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC",
    "WenQuanYi Micro Hei", sans-serif;
}
/* Dark only where the page says that it can be (color-scheme): an element must not be dark on a light page. */
@supports (color: light-dark(#000, #fff)) { :host {
  --ink: light-dark(#14242e, #e6edf1); --quiet: light-dark(#4c5b66, #a9b8c1); --line: light-dark(#d3dade, #3a4852);
  --card: light-dark(#fff, #1b262d); --tint: light-dark(#f2f6f7, #222f37);
  --clear: light-dark(#0a5c8a, #7cc4ee); --clear-tint: light-dark(#e2f0f7, #163548);
  --usable: light-dark(#7a4d00, #f2c265); --usable-tint: light-dark(#fdf3dc, #39300f);
  --poor: light-dark(#93370f, #f2a283); --poor-tint: light-dark(#fbe9e0, #43261b);
  --accent: light-dark(#0a5c8a, #7cc4ee); --on-accent: light-dark(#fff, #0b2230); --accent-hover: light-dark(#084a70, #a5d8f5);
  --track: light-dark(#e4e9ec, #34424b); --dashed: light-dark(#93a1ab, #71818b);
  --notice-line: light-dark(#e3bf73, #7d6420); --notice-ink: light-dark(#5a3900, #f5d793);
  --wave: light-dark(#b97a00, #f0b02e); --wave-off: light-dark(#d5dde1, #3b4952);
  --band-clear: light-dark(#d6e8f2, #1d4055); --band-usable: light-dark(#fbeccb, #4a3d17);
  --band-poor: light-dark(#f6dccf, #50301f);
} }
:host([hidden]), [hidden] { display: none !important; }
*, *::before, *::after { box-sizing: border-box; }
p, h1, h2, h3, ul, dl, dd { margin: 0; padding: 0; }
ul { list-style: none; }
h2 { font-size: 0.9375rem; font-weight: 600; color: var(--quiet); margin-bottom: 12px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.phrase { display: inline-block; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: var(--radius); padding: 24px; }
.quiet { color: var(--quiet); font-size: 0.9375rem; }
a { color: var(--accent); text-underline-offset: 3px; }
button, .button {
  font: inherit; font-weight: 600; min-height: 48px; min-width: 48px; padding: 10px 22px; border-radius: 24px;
  border: 1.5px solid var(--accent); background: var(--card); color: var(--accent); cursor: pointer;
  display: inline-flex; align-items: center; justify-content: center; text-align: center; text-decoration: none;
}
button:hover, .button:hover { background: var(--clear-tint); }
button.main { background: var(--accent); color: var(--on-accent); }
button.main:hover { background: var(--accent-hover); }
[tabindex='-1']:focus:not(:focus-visible) { outline: none; }
:focus-visible, .button:focus-within { outline: 3px solid #f0b02e; outline-offset: 2px; box-shadow: 0 0 0 2px var(--ink); }
.shape .body { fill: currentColor; }
.shape .stroke { fill: none; stroke: var(--card); stroke-width: 4.6; stroke-linecap: round; stroke-linejoin: round; }
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
.track { grid-column: 2 / -1; position: relative; height: 10px; border-radius: 5px; background: var(--track); }
.track .full { position: absolute; inset: 0 auto 0 0; border-radius: 5px; background: var(--clear); min-width: 4px;
  transition: width 0.3s; }
.bar.usable .full { background: repeating-linear-gradient(115deg, var(--usable-fill) 0 7px, var(--stripe) 7px 10px); }
.bar.poor .full { background: repeating-linear-gradient(115deg, var(--poor) 0 4px, var(--poor-stripe) 4px 7px); }
.bar.nodata .track { background: none; border: 1.5px dashed var(--dashed); }
.track .line { position: absolute; top: -3px; bottom: -3px; width: 2px; background: var(--ink); }
@media (prefers-reduced-motion: reduce) { *, *::before, *::after { transition: none !important; animation: none !important; } }
@media (forced-colors: active) { .track .full { background: CanvasText !important; } .shape .body { fill: CanvasText; } }
`);
