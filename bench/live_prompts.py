"""How soon a prompt comes and goes, and how often one is false: long live sessions of real speech.

    .venv/bin/python bench/live_prompts.py

Speech is joined clip to clip with pauses of 0.3–0.9 s, each talker at one level within 3 dB. Noise at 3 dB SNR
begins at 15 s and lasts 25 s; or real sneezes and laughs, as loud as the voice or up to 8 dB louder, come every 5–12 s.
Everything passes StreamCore, the acoustic scorer and SessionJudge in sample time. Definitions of level and SNR:
make_mixes.py of TINGQING_SHARED.
"""

import csv
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from mixes_table import Bench

from server.assessment.facts import window_facts
from server.judge.judgement import PromptCleared, PromptRaised
from server.judge.session import SessionJudge
from server.scoring.ports import ScoreRequest
from server.values.audio import Capture, CaptureSource

ROOT = Path(__file__).resolve().parent.parent
AUDIO = Path(os.environ.get("TINGQING_SHARED", ROOT.parent / "shared")) / "audio"
sys.path.insert(0, str(AUDIO))
import make_mixes  # noqa: E402 - a module beside the recordings

RATE = 16_000
SNR_DB, BEGINS_S, ENDS_S, LENGTH_S = 3.0, 15, 40, 65
PER_KIND = 2
KINDS = ("appliance", "baby_cry", "babble", "dog_bark", "fan_ac", "music", "siren_alarm", "traffic", "typing", "wind")
EVENTS = {"baby_cry", "dog_bark", "siren_alarm", "typing"}
CLEAN_S, OUTBURSTS_S, SESSIONS = 300, 300, 2
QUIETER = "move_somewhere_quieter"
Audio = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Noisy:
    """Seconds from the start of the noise to the prompt, and from its end to the clearing; ``None``: never."""

    kind: str
    raised_s: float | None
    cleared_s: float | None
    others: int


@dataclass(frozen=True, slots=True)
class Live:
    noisy: tuple[Noisy, ...]
    clean_min: float
    clean_false: int
    outbursts_min: float
    outbursts: int
    outbursts_false: int


def rows() -> list[dict[str, str]]:
    with (AUDIO / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def talk(sources: Sequence[dict[str, str]], seconds: float, rng: np.random.Generator) -> Audio:
    clips: list[Audio] = []
    n = 0
    while n < seconds * RATE:
        row = sources[int(rng.integers(len(sources)))]
        clip = levelled(make_mixes.trim(make_mixes.load(str(AUDIO / row["path"]))), -26 + rng.uniform(-3, 3))
        room = rng.standard_normal(len(clip) + int(rng.uniform(0.3, 0.9) * RATE)) * 10 ** (-65 / 20)
        room[: len(clip)] += clip
        clips.append(room)
        n += len(room)
    return np.concatenate(clips)[: int(seconds * RATE)]


def levelled(clip: Audio, db: float) -> Audio:
    return np.asarray(clip * 10 ** ((db - make_mixes.active(clip)) / 20))


def prompts(bench: Bench, samples: Audio) -> list[tuple[float, bool, str]]:
    """(second, raised, prompt id) of every raise and every clearing."""
    judge = SessionJudge(bench.labels)
    told = []
    for window, _ in bench.windows(np.clip(samples, -1, 1).astype(np.float32), RATE):
        request = ScoreRequest(window, bench.labels, Capture(CaptureSource.FILE), None)
        reply = bench.scorer.score([request])[0]
        assert reply.measures is not None
        facts = window_facts(window, reply.measures)
        for event in judge.add_window(facts, {"acoustic": reply.opinions}, {"acoustic": reply.recent}).prompts:
            assert isinstance(event, PromptRaised | PromptCleared)
            told.append((window.end_s, isinstance(event, PromptRaised), event.id))
    return told


def noisy(bench: Bench, sources: Sequence[dict[str, str]], noise: dict[str, str], rng: np.random.Generator) -> Noisy:
    samples = talk(sources, LENGTH_S, rng)
    sound = make_mixes.fit_noise(make_mixes.load(str(AUDIO / noise["path"])), ENDS_S - BEGINS_S, rng)
    sound *= 10 ** ((-26 - SNR_DB - make_mixes.rms_db(sound)) / 20)
    samples[BEGINS_S * RATE : ENDS_S * RATE] += sound
    told = prompts(bench, samples)
    raised = next((at - BEGINS_S for at, up, name in told if up and name == QUIETER and at > BEGINS_S), None)
    cleared = next((at - ENDS_S for at, up, name in told if not up and name == QUIETER and at > ENDS_S), None)
    others = sum(up and (name != QUIETER or not BEGINS_S < at <= ENDS_S + 4) for at, up, name in told)
    return Noisy(noise["kind"], raised, cleared if raised is not None else None, others)


def with_outbursts(samples: Audio, sounds: Sequence[Audio], rng: np.random.Generator) -> tuple[Audio, int]:
    at, n = 6 * RATE, 0
    while at < len(samples) - 8 * RATE:
        sound = levelled(sounds[n % len(sounds)], -26 + rng.uniform(0, 8))
        samples = np.concatenate((samples[:at], sound, samples[at:]))
        at += len(sound) + int(rng.uniform(5, 12) * RATE)
        n += 1
    return samples, n


def outburst(path: Path) -> Audio:
    """The first sneeze or laugh of a recording, at most 2.5 s."""
    clip = make_mixes.load(str(path))
    start, end = make_mixes.intervals(clip, 25)[0]
    return np.asarray(clip[int(start * RATE) : int(min(end + 0.1, start + 2.5) * RATE)])


def measure() -> Live:
    bench, rng, everything = Bench(mos=False), np.random.default_rng(1), rows()
    sources = [
        row
        for row in everything
        if row["path"].startswith("speech/") and row["clean"] == "yes" and row["language"] in {"en", "zh"}
    ]
    noises = [
        row
        for kind in KINDS
        for row in sorted(
            (row for row in everything if row["path"].startswith("noise/") and row["kind"] == kind),
            key=lambda row: -float(row["seconds"]),
        )[:PER_KIND]
    ]
    heard = tuple(noisy(bench, sources, noise, rng) for noise in noises)
    clean = [prompts(bench, talk(sources, CLEAN_S, rng)) for _ in range(SESSIONS)]
    paths = [AUDIO / row["path"] for row in everything if row["path"].startswith("clinical/") or "laugh" in row["path"]]
    sounds = [outburst(path) for path in paths]
    n, length, false = 0, 0, 0
    for _ in range(SESSIONS):
        samples, more = with_outbursts(talk(sources, OUTBURSTS_S, rng), sounds, rng)
        n, length = n + more, length + len(samples)
        false += raised(prompts(bench, samples))
    return Live(heard, SESSIONS * CLEAN_S / 60, sum(map(raised, clean)), length / RATE / 60, n, false)


def raised(told: Sequence[tuple[float, bool, str]]) -> int:
    return sum(up for _, up, _ in told)


def median(values: Sequence[float | None]) -> float:
    """An event that never happened counts as later than all others."""
    ordered = sorted(float("inf") if value is None else value for value in values)
    return float(np.median(ordered)) if ordered else float("inf")


def said(values: Sequence[float | None]) -> str:
    middle = median(values)
    return "never" if middle == float("inf") else f"{middle:.1f} s"


def table(live: Live) -> list[tuple[str, ...]]:
    """Kind, sessions, raised, median until raised, median until cleared."""
    groups: list[tuple[str, Any]] = [
        ("steady", lambda one: one.kind not in EVENTS),
        ("events", lambda one: one.kind in EVENTS),
        ("all", lambda _: True),
    ]
    out = []
    for name, belongs in groups:
        members = [one for one in live.noisy if belongs(one)]
        came = [one for one in members if one.raised_s is not None]
        cells = (
            len(members),
            len(came),
            said([one.raised_s for one in members]),
            said([one.cleared_s for one in came]),
        )
        out.append((name, *map(str, cells)))
    return out


def main() -> None:
    live = measure()
    for one in live.noisy:
        print(one)
    print("noise     sessions  raised  until raised  until cleared")
    for cells in table(live):
        print("  ".join(cells))
    print(f"false prompts: clean {live.clean_false} in {live.clean_min:.0f} min, ", end="")
    print(f"with {live.outbursts} outbursts {live.outbursts_false} in {live.outbursts_min:.0f} min")


if __name__ == "__main__":
    main()
