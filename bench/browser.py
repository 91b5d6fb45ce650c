"""A real Chromium on the patient's page: how soon a prompt comes and goes, how far behind the doctor is, what the tab
costs.

    .venv/bin/python bench/browser.py [--at-once 3] [--kinds 10] [--json FILE]

The microphone is a file of real speech; noise at 3 dB SNR begins at 12 s and ends at 32 s, one session for each kind of
noise, each with the doctor's page in a browser of its own. Times are those of the page, from the click on Start, so
they contain opening the microphone; what a machine that is busy with other work gives is of no use. CPU is
Chromium's own count of the tab's process, for each second of the session. Of its main thread, TaskDuration of the
DevTools protocol is counted twice: time that passed, in which others may have had the core, and CPU. Needs chromium and
TINGQING_SHARED (default ../shared).
"""

import argparse
import asyncio
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile
from live_prompts import AUDIO, KINDS, RATE, SNR_DB, rows, talk
from playwright.sync_api import Browser, CDPSession, Page, Playwright, sync_playwright

from server.client.load.running import running

sys.path.insert(0, str(AUDIO))
import make_mixes

PROGRAMS = ("chromium", "chromium-headless-shell", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]

BEGINS_S, ENDS_S, LENGTH_S = 12, 32, 48
PROMPT = "move_somewhere_quieter"
READY_MS = 60_000

NOTE = """() => {
  window.seen = []
  const host = document.querySelector('tingqing-patient, tingqing-doctor')
  const note = () => {
    const { prompt, grade } = host.dataset
    seen.push([performance.timeOrigin + performance.now(), prompt ?? '', grade ?? ''])
  }
  new MutationObserver(note).observe(host, { attributes: true, attributeFilter: ['data-prompt', 'data-grade'] })
  note()
}"""
"""When prompt and grade changed, in milliseconds since 1970: both pages are on one machine."""


@dataclass(frozen=True, slots=True)
class Seen:
    """``raised_s``: from the noise to its prompt; ``cleared_s``: from its end; ``None``: never. ``behind_ms``: each
    change of prompt or grade, from the patient's page to the doctor's. ``main``: share of the time in which
    the page's main thread had something to do; ``main_cpu``, ``tab``: CPU of it and of its process, share of one core.
    ``heap_mb``: growth of JavaScript's heap. ``paint_ms``: until something was seen."""

    kind: str
    raised_s: float | None
    cleared_s: float | None
    others: int
    behind_ms: list[float]
    main: float
    main_cpu: float
    tab: float
    heap_mb: float
    paint_ms: float


def microphone(kind: str, folder: Path, seed: int) -> Path:
    """A WAV with that noise."""
    rng, everything = np.random.default_rng(seed), rows()
    clean = [row for row in everything if row["path"].startswith("speech/") and row["clean"] == "yes"]
    noises = [row for row in everything if row["path"].startswith("noise/") and row["kind"] == kind]
    noise = max(noises, key=lambda row: float(row["seconds"]))
    samples = talk([row for row in clean if row["language"] in {"en", "zh"}], LENGTH_S, rng)
    sound = make_mixes.fit_noise(make_mixes.load(str(AUDIO / noise["path"])), ENDS_S - BEGINS_S, rng)
    sound *= 10 ** ((-26 - SNR_DB - make_mixes.rms_db(sound)) / 20)
    samples[BEGINS_S * RATE : ENDS_S * RATE] += sound
    path = folder / f"{kind}.wav"
    soundfile.write(path, np.clip(samples, -1, 1).astype(np.float32), RATE, subtype="PCM_16")
    return path


def opened(playwright: Playwright, wav: Path | None) -> Browser:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        sys.exit("There is no Chromium: apt-get install chromium.")
    flags = [*FLAGS, "--use-fake-ui-for-media-stream"]
    if wav is not None:
        flags += ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={wav}%noloop"]
    return playwright.chromium.launch(executable_path=program, args=flags)


def visit(kind: str, wav: Path, url: str) -> Seen:
    """One session."""
    with sync_playwright() as playwright:
        browsers = [opened(playwright, each) for each in (wav, None)]
        patient, doctor = (browser.new_context(locale="en-GB").new_page() for browser in browsers)
        patient.goto(url)
        patient.wait_for_selector("[data-state=idle]", state="attached", timeout=READY_MS)
        paint = patient.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        patient.evaluate(NOTE)
        tools, cpu_tools = (patient.context.new_cdp_session(patient) for _ in range(2))
        tools.send("Performance.enable")
        cpu_tools.send("Performance.enable", {"timeDomain": "threadTicks"})
        began = patient.evaluate("performance.timeOrigin + performance.now()")
        patient.click("[part=start]")
        patient.wait_for_selector("[data-state=live]", state="attached", timeout=READY_MS)
        session = patient.locator("tingqing-patient").get_attribute("data-session")
        doctor.goto(f"{url}doctor?session={session}")
        doctor.wait_for_selector("[data-state=live]", state="attached", timeout=READY_MS)
        doctor.evaluate(NOTE)
        before, main_before, cpu_before = metrics(tools), metrics(cpu_tools), tab_cpu_s(browsers[0])
        patient.wait_for_timeout(max(0.0, began + 1000 * LENGTH_S - patient.evaluate("Date.now()")))
        after, main_after, cpu_after = metrics(tools), metrics(cpu_tools), tab_cpu_s(browsers[0])
        seconds = after["Timestamp"] - before["Timestamp"]
        changes, followed = changes_of(patient), changes_of(doctor)
        for browser in browsers:
            browser.close()
    raised, cleared, others = prompts(changes, began)
    return Seen(
        kind,
        raised,
        cleared,
        others,
        behind(changes, followed),
        round((after["TaskDuration"] - before["TaskDuration"]) / seconds, 4),
        round((main_after["TaskDuration"] - main_before["TaskDuration"]) / seconds, 4),
        round((cpu_after - cpu_before) / seconds, 4),
        round((after["JSHeapUsedSize"] - before["JSHeapUsedSize"]) / 1e6, 2),
        round(paint, 1),
    )


def metrics(tools: CDPSession) -> dict[str, float]:
    tools.send("HeapProfiler.collectGarbage")
    return {each["name"]: each["value"] for each in tools.send("Performance.getMetrics")["metrics"]}


def tab_cpu_s(browser: Browser) -> float:
    """CPU seconds of the renderers so far."""
    tools = browser.new_browser_cdp_session()
    told = tools.send("SystemInfo.getProcessInfo")["processInfo"]
    tools.detach()
    return float(sum(each["cpuTime"] for each in told if each["type"] == "renderer"))


Change = tuple[float, str, str]


def changes_of(page: Page) -> list[Change]:
    """The moments at which prompt or grade became another."""
    kept: list[Change] = []
    for at, prompt, grade in page.evaluate("seen"):
        if not kept or (prompt, grade) != kept[-1][1:]:
            kept.append((at, prompt, grade))
    return kept


def prompts(changes: Sequence[Change], began: float) -> tuple[float | None, float | None, int]:
    raised = cleared = None
    others, up = 0, ""
    for at, prompt, _ in changes:
        second = (at - began) / 1000
        if prompt == PROMPT != up and raised is None and second >= BEGINS_S:
            raised = round(second - BEGINS_S, 2)
        elif prompt not in ("", up):
            others += 1
        if up == PROMPT != prompt and second >= ENDS_S:
            cleared = round(second - ENDS_S, 2)
        up = prompt
    return raised, cleared if raised is not None else None, others


def behind(changes: Sequence[Change], followed: Sequence[Change]) -> list[float]:
    """Of each of the doctor's changes but the first, which is what was there already."""
    late: list[float] = []
    for at, *state in followed[1:]:
        same = [when for when, *there in changes if there == state and abs(at - when) < 5000]
        if same:
            late.append(round(at - min(same, key=lambda when: abs(at - when)), 1))
    return late


def table(seen: Sequence[Seen]) -> str:
    lines = [
        "| noise | prompt after, s | gone after, s | other prompts | doctor behind, ms | main thread | its CPU | tab |"
    ]
    lines.append("|---|---|---|---|---|---|---|---|")
    for one in seen:
        late = f"{median(one.behind_ms):.0f}" if one.behind_ms else "–"
        raised, cleared = ("never" if value is None else f"{value:.1f}" for value in (one.raised_s, one.cleared_s))
        shares = " | ".join(f"{100 * share:.1f} %" for share in (one.main, one.main_cpu, one.tab))
        lines.append(f"| {one.kind} | {raised} | {cleared} | {one.others} | {late} | {shares} |")
    return "\n".join(lines)


def middle(values: Sequence[float | None]) -> float | None:
    """The median, in which what never happened is later than all else."""
    found = median(float("inf") if value is None else value for value in values)
    return None if found == float("inf") else round(found, 2)


async def visits(kinds: Sequence[str], at_once: int) -> list[Seen]:
    """So many at a time, on one server of this machine."""
    places = asyncio.Semaphore(at_once)

    async def one(kind: str, wav: Path, url: str) -> Seen:
        async with places:
            return await asyncio.to_thread(visit, kind, wav, url)

    with TemporaryDirectory() as folder:
        files = [microphone(kind, Path(folder), number) for number, kind in enumerate(kinds)]
        async with running(None, {"clap": "off", "admission": "fixed"}) as server:
            url = server.url.replace("ws://", "http://").removesuffix("v1/stream")
            return await asyncio.gather(*(one(kind, wav, url) for kind, wav in zip(kinds, files, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("--kinds", type=int, default=len(KINDS))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    seen = asyncio.run(visits(KINDS[: given.kinds], given.at_once))
    late = [ms for one in seen for ms in one.behind_ms]
    told: dict[str, Any] = {
        "raised_s": middle([one.raised_s for one in seen]),
        "cleared_s": middle([one.cleared_s for one in seen if one.raised_s is not None]),
        "behind_ms": {"p50": median(late), "max": max(late)} if late else None,
        "main": median(one.main for one in seen),
        "main_cpu": median(one.main_cpu for one in seen),
        "tab": median(one.tab for one in seen),
        "paint_ms": median(one.paint_ms for one in seen),
        "sessions": [asdict(one) for one in seen],
    }
    if given.json is not None:
        given.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(table(seen), end="\n\n")
    print(json.dumps({name: value for name, value in told.items() if name != "sessions"}))


if __name__ == "__main__":
    main()
