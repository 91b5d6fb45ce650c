"""Whose voice the product says it heard, in made visits with one, two and three voices, and beside a faint one.

    .venv/bin/python bench/voice_turns.py [--fold fit|held] [--sessions 24] [--pairs 16]

Needs the folder of recordings (TINGQING_SHARED), and segmentation and campplus in the model cache. Visits are those of
``tools/material/visits`` of the kinds ``clean`` and ``far_end``, the far end told and untold; they pass the feature
rows of StreamCore, the talker models and the memory of voices, and no scorer. Pairs: two talkers of the fold in turns
of 5 s, the second fainter by 0, 3 and 6 dB (balanced), or by 15 to 24. Figures of ``held`` are held out: thresholds
were chosen on ``fit``.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402 - the path comes first

from server.assessment.talked import TalkedStretches  # noqa: E402
from server.judge.roles import told_voices  # noqa: E402
from server.model.detectors import detector_factory  # noqa: E402
from server.model.small.store import SmallModels  # noqa: E402
from server.model.voices import open_voices  # noqa: E402
from server.scoring.ports import Priority  # noqa: E402
from server.scoring.scorers import TalkerModel  # noqa: E402
from server.scoring.service import ScoringService  # noqa: E402
from server.scoring.talking import Talk, TalkRequest  # noqa: E402
from server.settings import load_settings  # noqa: E402
from server.stream.core import StreamCore  # noqa: E402
from server.stream.events import WindowReady  # noqa: E402
from server.values.audio import AudioFormat, Encoding  # noqa: E402
from server.values.rows import ROW_RATE, BoolArray  # noqa: E402
from server.values.voices import Role, Voice  # noqa: E402
from tools.accuracy.part import table  # noqa: E402
from tools.material.visits.plans import Maker, plans  # noqa: E402
from tools.material.visits.sound import floor_noise, gain  # noqa: E402
from tools.material.visits.sources import Sources  # noqa: E402
from tools.material.visits.truth import RATE, Audio, Stretch, Visit  # noqa: E402

AUDIO = Path(os.environ.get("TINGQING_SHARED", ROOT.parent / "shared")) / "audio"
KINDS = ("clean", "far_end")
SEED = 1
LOUD_DBFS, TURN_S, PAIR_S = -22.0, 5.0, 40.0
BALANCED_DB, FAINT_DB = (0.0, 3.0, 6.0), (15.0, 18.0, 21.0, 24.0)
SOUNDS_DB = 25.0
"""A talker is heard in rows within this of the mean level of the turns; pauses between words are nobody's."""


class Timed:
    """The talker models, and the CPU seconds of the thread that they took."""

    def __init__(self, models: TalkerModel) -> None:
        self._models = models
        self.cpu_s = 0.0

    def talk(self, request: TalkRequest) -> Talk:
        began = time.thread_time()
        told = self._models.talk(request)
        self.cpu_s += time.thread_time() - began
        return told


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows of the patient that sound, and of them those given to the patient; to whichever voice is most alike.

    ``true``, ``told``: how many voices can be heard, and how many were told. ``far_end``: whether it was told.
    """

    true: int
    told: int
    rows: int
    patients: int
    best: int
    seconds: float
    far_end: bool


async def heard(samples: Audio, models: TalkerModel, told: Sequence[Stretch] = ()) -> tuple[Voice, ...]:
    """The voices of ``samples``, 16 kHz. ``told``: where the page says that the far end speaks."""
    core = StreamCore(AudioFormat(Encoding.PCM_S16LE, RATE), detector_factory("silero")())
    pcm = np.round(np.clip(samples, -1, 1) * 32767).astype("<i2")
    switches = {round(at * RATE): speaks for one in told for at, speaks in ((one.start_s, True), (one.end_s, False))}
    cuts = sorted({*range(0, len(pcm), RATE), *(at for at in switches if at < len(pcm)), len(pcm)})
    async with ScoringService([], None, None, models) as service:
        talked = TalkedStretches(service, Priority.FILE)
        for start, end in pairwise(cuts):
            if start in switches:
                core.far_end(switches[start])
            for event in core.receive_pcm(pcm[start:end].tobytes()):
                if isinstance(event, WindowReady):
                    talked.expect(event.window)
                    await talked.settle(event.window)
        await talked.conclude()
    return told_voices(talked.book.tracks, visit=True)


def spoken(where: Sequence[Stretch], rows: int) -> BoolArray:
    said = np.zeros(rows, np.bool_)
    for one in where:
        said[round(one.start_s * ROW_RATE) : round(one.end_s * ROW_RATE)] = True
    return said


def compared(visit: Visit, voices: Sequence[Voice], *, far_end: bool) -> Judged:
    rows = len(visit.samples) * ROW_RATE // RATE
    power = np.square(visit.samples[: rows * RATE // ROW_RATE]).reshape(rows, -1).mean(axis=1)
    patient = spoken(visit.truth.patient, rows)
    patient &= power > power[patient].mean() * 10 ** (-SOUNDS_DB / 10)
    others = (visit.truth.doctor if visit.truth.far_end_dbfs is not None else (), visit.truth.relative)
    given = {one: spoken([Stretch(*span) for span in one.spans], rows) & patient for one in voices}
    counts = {one: int(np.count_nonzero(rows_given)) for one, rows_given in given.items()}
    return Judged(
        true=1 + sum(bool(one) for one in others),
        told=len(voices),
        rows=int(np.count_nonzero(patient)),
        patients=sum(count for one, count in counts.items() if one.role is Role.PATIENT),
        best=max(counts.values(), default=0),
        seconds=visit.seconds,
        far_end=far_end,
    )


def visits(fold: str, sessions: int, models: TalkerModel) -> Iterator[Judged]:
    maker = Maker(AUDIO)
    for plan in plans(sessions, fold, SEED, KINDS):
        visit = maker.make(plan)
        for far_end in {False, bool(visit.far_end)}:
            voices = asyncio.run(heard(visit.samples, models, visit.far_end if far_end else ()))
            yield compared(visit, voices, far_end=far_end)
            print(f"{visit.id}{' (far end told)' if far_end else ''}", file=sys.stderr, flush=True)


def pairs(fold: str, count: int, models: TalkerModel) -> Iterator[tuple[float, bool]]:
    """How much fainter the second talker was, dB, and whether a faint voice was told."""
    sources, rng = Sources(AUDIO, fold), np.random.default_rng(SEED)
    names = sources.patients
    for number in range(count):
        levels = BALANCED_DB if number % 2 else FAINT_DB
        less_db = levels[number // 2 % len(levels)]
        # Neighbours are often of one corpus, and the hardest to tell apart.
        whose = [names[(2 * number + which) % len(names)] for which in range(2)]
        samples = floor_noise(round(PAIR_S * RATE), -72.0, rng)
        for which, name in enumerate(whose):
            phrases = np.concatenate(sources.talker(name).phrases)
            for turn in range(which, int(PAIR_S / TURN_S), 2):
                said = np.take(phrases, np.arange(round((TURN_S - 0.4) * RATE)) + turn * RATE, mode="wrap")
                start = round((turn * TURN_S + 0.2) * RATE)
                samples[start : start + len(said)] += said * gain(LOUD_DBFS + 26 - which * less_db)
        yield less_db, any(voice.faint for voice in asyncio.run(heard(samples, models)))


def share(right: int, of: int) -> str:
    return f"{right / of:.1%} of {of}" if of else "none"


def seconds_right(judged: Sequence[Judged], *, best: bool = False) -> float | None:
    rows = sum(one.rows for one in judged)
    return sum(one.best if best else one.patients for one in judged) / rows if rows else None


def tables(judged: Sequence[Judged], faint: Sequence[tuple[float, bool]], cpu_s: float) -> str:
    rows = []
    for true in (1, 2, 3):
        for far_end in (False, True):
            members = [one for one in judged if one.true == true and one.far_end == far_end]
            mine, best = seconds_right(members), seconds_right(members, best=True)
            if mine is None or best is None:
                continue
            number = share(sum(one.told == true for one in members), len(members))
            rows.append((f"{true}{', far end told' if far_end else ''}", f"{mine:.1%}", f"{best:.1%}", number))
    names = (
        "voices that can be heard",
        "patient's seconds given to the patient",
        "to one voice",
        "number of voices right",
    )
    told = [
        (text, share(sum(found for _, found in of_level), len(of_level)))
        for text, levels in (("a voice 15–24 dB fainter: told", FAINT_DB), ("0–6 dB: told falsely", BALANCED_DB))
        if (of_level := [one for one in faint if one[0] in levels])
    ]
    heard_s = sum(one.seconds for one in judged) + PAIR_S * len(faint)
    cost = f"{1000 * cpu_s / heard_s:.1f} ms of CPU for a second of stream, as measured beside whatever else ran."
    return "\n\n".join((table(names, rows), table(("pairs in turns of 5 s", "share"), told), cost))


def opened() -> Timed:
    models = open_voices(SmallModels(load_settings().model_cache_dir))
    if models is None:
        sys.exit("segmentation and campplus are not in the model cache. To fetch them: tingqing models download small")
    return Timed(models)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fold", choices=("fit", "held"), default="held")
    parser.add_argument("--sessions", type=int, default=24)
    parser.add_argument("--pairs", type=int, default=16)
    arguments = parser.parse_args()
    models = opened()
    judged = list(visits(arguments.fold, arguments.sessions, models))
    print(tables(judged, list(pairs(arguments.fold, arguments.pairs, models)), models.cpu_s))


if __name__ == "__main__":
    main()
