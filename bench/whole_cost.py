"""What one stream costs with everything on at its cadence, as one figure: CPU of the whole process per second of audio.

    .venv/bin/python bench/whole_cost.py [--seconds 120] [--runs 3] [--no-mos]

A made visit of the fold ``fit`` passes the core with its detector, every scorer, the models that are in the model
cache, each at its own cadence, and the judgement, as in a session that sheds nothing; sockets and messages are left out
(bench/live_cost.py has them). CPU time of all threads, the least of some runs, because other work only adds to it. Then
the same with one of the costly parts off at a time, and with all of them off, as under load. CLAP aside.
"""

import argparse
import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from visits import AUDIO

from server.app import open_engine
from server.assessment.assessment import Assessment
from server.assessment.engine import Engine
from server.scoring.ports import Priority
from server.settings import load_settings
from server.stream.events import WindowReady
from server.values.audio import AudioFormat, Capture, CaptureSource, Encoding
from server.values.mode import Mode
from server.values.models import ModelState
from tools.material.visits.plans import Maker, Plan
from tools.material.visits.truth import RATE

VISIT = "fit-1-clean-001"
COSTLY = ("mos", "names", "voices", "denoiser")
"""Settings of the parts that are left out under load, in this order (decision 21)."""


@dataclass(frozen=True, slots=True)
class WholeCost:
    """CPU milliseconds per second of stream: with everything, with none of the costly parts, and what each of these
    adds to the rest. ``absent``: models that are not in the cache."""

    whole_ms: float
    shed_ms: float
    parts_ms: Mapping[str, float] = field(default_factory=dict)
    absent: tuple[str, ...] = ()


async def heard_s(engine: Engine, pcm: bytes) -> float:
    """CPU seconds that a visit takes, without opening and ending it."""
    core = engine.make_core(AudioFormat(Encoding.PCM_S16LE, RATE))
    capture = Capture(CaptureSource.MICROPHONE, False, False, False)
    assessment = Assessment(
        engine, engine.dictionaries.resolve(None), capture, mode=Mode.VISIT, priority=Priority.FILE, aggregated=True
    )
    began = time.process_time()
    try:
        for start, end in pairwise([*range(0, len(pcm), 2 * RATE // 5), len(pcm)]):
            for event in core.receive_pcm(pcm[start:end]):
                if isinstance(event, WindowReady):
                    assessed = await assessment.assess(event.window)
                    if assessed.failures or assessed.without:
                        raise RuntimeError(f"left out: {assessed.without}. Is the machine too busy?")
        return time.process_time() - began
    finally:
        assessment.close()


async def measure(seconds: int, runs: int, *, mos: bool = True) -> WholeCost:
    samples = np.resize(Maker(AUDIO).make(Plan.of(VISIT)).samples, seconds * RATE)
    pcm = np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    always: tuple[str, ...] = () if mos else ("mos",)
    parts = [part for part in COSTLY if part not in always]
    without: dict[str, tuple[str, ...]] = {"": always, **{part: (*always, part) for part in parts}, "all": COSTLY}
    found: dict[str, float] = {}
    absent: tuple[str, ...] = ()
    for name, off in without.items():
        async with open_engine(load_settings(clap="off", **dict.fromkeys(off, False))) as engine:
            await heard_s(engine, pcm[: 24 * RATE])
            found[name] = 1e3 * min([await heard_s(engine, pcm) for _ in range(runs)]) / seconds
            if not name:
                absent = tuple(one.id for one in engine.models if one.state is not ModelState.THERE)
    return WholeCost(found[""], found["all"], {part: found[""] - found[part] for part in parts}, absent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-mos", action="store_true", help="without DNSMOS, which takes more than all the rest")
    arguments = parser.parse_args()
    cost = asyncio.run(measure(arguments.seconds, arguments.runs, mos=not arguments.no_mos))
    print("CPU per second of stream, all threads")
    print(f"everything on at its cadence: {cost.whole_ms:6.2f} ms")
    for part, ms in cost.parts_ms.items():
        print(f"  of which {part:19} {ms:6.2f} ms")
    print(f"costly parts left out:        {cost.shed_ms:6.2f} ms")
    if cost.absent:
        print(f"not in the model cache: {', '.join(cost.absent)}")


if __name__ == "__main__":
    main()
