"""What the patient's tab costs beside a tab with Jitsi's noise detection, on the same microphone, in turn.

    npm pack @jitsi/rnnoise-wasm@0.2.1 && tar xzf jitsi-rnnoise-wasm-0.2.1.tgz     # the folder `package`, Apache-2.0
    .venv/bin/python bench/browser_peer.py package [--rounds 3] [--seconds 30] [--json FILE]

The peer's page has the detection of lib-jitsi-meet (modules/detection, read on its main branch) and nothing else: no
call, no picture, no text. RNNoise hears each 480 samples at 44.1 kHz, in a ScriptProcessor of 4,096 on the main thread;
where it takes a loud frame for no voice, the frames of the next 1.5 s decide. Jitsi stops it once it has told of a
noise, until the microphone is muted and opened again; here it goes on. Another page opens the microphone and connects
it to nothing: what a tab costs anyway. Ours is the patient's page with a session of a real server of this machine,
whose CPU is not the tab's; and the client alone, with nothing to see. The sound is clean speech. CPU as in browser.py;
quote ratios of one run alone, since others may be busy on the machine. Needs chromium and TINGQING_SHARED (default
../shared).
"""

import argparse
import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from browser import READY_MS, metrics, opened, tab_cpu_s
from live_prompts import RATE, rows, talk
from playwright.sync_api import Page, sync_playwright

from server.client.load.running import running

OURS, CLIENT, JITSI, NOTHING = "our page", "our client alone", "Jitsi's detection", "microphone alone"
ALL = (OURS, CLIENT, JITSI, NOTHING)
WARM_MS = 5000

ALONE = """async () => {
  document.querySelector('main').remove()
  const { TingqingClient } = await import('./index.js')
  window.client = new TingqingClient({ mode: 'recording' })
  await client.start()
}"""
HEAR = "const stream = await navigator.mediaDevices.getUserMedia({ audio: true })"
PAGES = {
    "nothing.html": f"""{HEAR}
const context = new AudioContext()
context.createMediaStreamSource(stream)
window.frames_heard = -1""",
    "jitsi.html": f"""import create from './dist/rnnoise.js'
const FRAME = 480, SCALE = 32768
const rnnoise = await create({{ locateFile: (name) => `./dist/${{name}}` }})
const network = rnnoise._rnnoise_create(), place = rnnoise._malloc(4 * FRAME)
window.frames_heard = 0
window.noisy = 0
const voice = (frame) => {{
  for (let i = 0; i < FRAME; i++) rnnoise.HEAPF32[place / 4 + i] = SCALE * frame[i]
  window.frames_heard += 1
  return rnnoise._rnnoise_process_frame(network, place, place)
}}
const mean = (values) => values.reduce((sum, each) => sum + each, 0) / (values.length || 1)
const loud = (frame) => mean(frame.filter((sample) => sample > 0))
let gathered = null
const judge = (frame) => {{
  const score = voice(frame.slice())
  if (gathered) gathered.push([score, loud(frame)])
  else if (score < 0.2 && loud(frame) > 0.02) {{
    gathered = [[score, loud(frame)]]
    setTimeout(() => {{
      if (mean(gathered.map(([s]) => s)) < 0.2 && mean(gathered.map(([, l]) => l)) > 0.04) window.noisy += 1
      gathered = null
    }}, 1500)
  }}
}}
{HEAR}
const context = new AudioContext({{ sampleRate: 44100 }})
const taken = context.createScriptProcessor(4096, 1, 1)
let rest = []
taken.onaudioprocess = ({{ inputBuffer }}) => {{
  const all = [...rest, ...inputBuffer.getChannelData(0)]
  let at = 0
  for (; at + FRAME <= all.length; at += FRAME) judge(all.slice(at, at + FRAME))
  rest = all.slice(at)
}}
context.createMediaStreamSource(stream).connect(taken).connect(context.destination)""",
}


@dataclass(frozen=True, slots=True)
class Cost:
    """Shares of one core: ``main`` of the main thread, in time that passed; ``main_cpu``, ``tab``: CPU of it, and of
    its process."""

    page: str
    main: float
    main_cpu: float
    tab: float


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Not a line for each request."""


@contextmanager
def peers(package: Path, folder: Path) -> Iterator[str]:
    """The peer's pages, at that address."""
    for name, script in PAGES.items():
        text = f'<!doctype html><meta charset="utf-8"><title>{name}</title><script type="module">{script}</script>'
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "dist").symlink_to(package.resolve() / "dist")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def begin(page: Page, name: str, ours: str, theirs: str) -> None:
    if name in (OURS, CLIENT):
        page.goto(ours)
        page.wait_for_selector("[data-state=idle]", state="attached", timeout=READY_MS)
        if name == CLIENT:
            page.evaluate(ALONE)
            page.wait_for_function("() => client.state.kind === 'live'", timeout=READY_MS)
        else:
            page.click("[part=start]")
            page.wait_for_selector("[data-state=live]", state="attached", timeout=READY_MS)
        return
    page.goto(f"{theirs}{'jitsi' if name == JITSI else 'nothing'}.html")
    page.wait_for_function("() => window.frames_heard === -1 || window.frames_heard > 0", timeout=READY_MS)


def cost(name: str, wav: Path, ours: str, theirs: str, seconds: float) -> Cost:
    """One page in a browser of its own."""
    with sync_playwright() as playwright:
        browser = opened(playwright, wav)
        page = browser.new_context(locale="en-GB").new_page()
        begin(page, name, ours, theirs)
        page.wait_for_timeout(WARM_MS)
        tools, cpu_tools = (page.context.new_cdp_session(page) for _ in range(2))
        tools.send("Performance.enable")
        cpu_tools.send("Performance.enable", {"timeDomain": "threadTicks"})
        before, main_before, cpu_before = metrics(tools), metrics(cpu_tools), tab_cpu_s(browser)
        heard = page.evaluate("window.frames_heard ?? -1")
        page.wait_for_timeout(1000 * seconds)
        after, main_after, cpu_after = metrics(tools), metrics(cpu_tools), tab_cpu_s(browser)
        passed = after["Timestamp"] - before["Timestamp"]
        if name == JITSI:
            frames = (page.evaluate("window.frames_heard") - heard) / passed
            assert frames > 85, f"RNNoise heard {frames:.0f} frames a second of 92"
        browser.close()
    return Cost(
        name,
        round((after["TaskDuration"] - before["TaskDuration"]) / passed, 4),
        round((main_after["TaskDuration"] - main_before["TaskDuration"]) / passed, 4),
        round((cpu_after - cpu_before) / passed, 4),
    )


async def costs(package: Path, rounds: int, seconds: float) -> list[Cost]:
    """Page after page, round after round."""
    clean = [row for row in rows() if row["path"].startswith("speech/") and row["clean"] == "yes"]
    samples = talk(
        [row for row in clean if row["language"] in {"en", "zh"}],
        seconds + WARM_MS / 1000 + 20,
        np.random.default_rng(0),
    )
    with TemporaryDirectory() as folder, TemporaryDirectory() as site, peers(package, Path(site)) as theirs:
        wav = Path(folder) / "clean.wav"
        soundfile.write(wav, np.clip(samples, -1, 1).astype(np.float32), RATE, subtype="PCM_16")
        async with running(None, {"clap": "off", "admission": "fixed"}) as server:
            ours = server.url.replace("ws://", "http://").removesuffix("v1/stream")
            return [
                await asyncio.to_thread(cost, name, wav, ours, theirs, seconds) for _ in range(rounds) for name in ALL
            ]


def table(found: Sequence[Cost]) -> str:
    """Medians of the rounds, with the least and the most of each."""
    lines = ["| page | main thread | its CPU | tab |", "|---|---|---|---|"]
    for name in ALL:
        cells = []
        for figure in ("main", "main_cpu", "tab"):
            values = [100 * getattr(each, figure) for each in found if each.page == name]
            cells.append(f"{median(values):.1f} % ({min(values):.1f}–{max(values):.1f})")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path, help="the unpacked package @jitsi/rnnoise-wasm")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = asyncio.run(costs(given.package, given.rounds, given.seconds))
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n", encoding="utf-8")
    print(table(found))
    for figure in ("main", "main_cpu", "tab"):
        middle = {name: median(getattr(each, figure) for each in found if each.page == name) for name in ALL}
        shares = (f"{name} {middle[name] / middle[JITSI]:.2f}" for name in (OURS, CLIENT))
        print(f"{figure}, as a share of {JITSI}: {', '.join(shares)}")


if __name__ == "__main__":
    main()
