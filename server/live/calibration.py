"""What this machine gives, and what a session will cost on it: measured before the first patient comes."""

import asyncio
import time
from collections.abc import Mapping
from typing import Literal

import numpy as np

from server.assessment.engine import Engine
from server.cores import cpus
from server.live.clock import LoopClock
from server.live.costs import Cores, Costs
from server.live.load_meter import LoadMeter
from server.live.loop_watch import LoopWatch
from server.live.part_costs import PartCosts
from server.live.shedding import Part, Shedding
from server.values.audio import AudioFormat, Encoding

AROUND = 2.2
"""A session's cost on the loop, as a multiple of its core's: socket, judgement, messages (docs/performance.md)."""

SCORERS = 1.2
"""Its cost in all but for what can be left out, as a multiple of that, before it is learned."""

OF_CORE: Mapping[Part, float] = {
    Part.MOS: 10.0,
    Part.NAMES: 1.0,
    Part.VOICES: 2.0,
    Part.DENOISER: 1.8,
    Part.CLAP: 7.0,
}
"""What a part takes of one session, as a multiple of its core, before it is learned: as measured on two processors
(docs/performance.md). So the parts for which a crowd leaves no CPU are left out before it waits for them."""

RATE = 48_000
"""What browsers capture at; the most expensive of the usual rates."""

WARM_S, MEASURED_S = 2, 3
BLOCK_S = 0.2


def first_cost(engine: Engine) -> tuple[Cores, float]:
    """Cores that a session will take, from five seconds of noise through one core, and how much longer that took than
    its CPU time. Blocks for a tenth of a second."""
    core = engine.make_core(AudioFormat(Encoding.PCM_S16LE, RATE))
    noise = np.random.default_rng(0).standard_normal(RATE * (WARM_S + MEASURED_S)) * 1000
    pcm = noise.astype("<i2").tobytes()
    core.receive_pcm(pcm[: 2 * RATE * WARM_S])
    step = 2 * round(RATE * BLOCK_S)
    began, wall = time.thread_time(), time.perf_counter()
    for at in range(2 * RATE * WARM_S, len(pcm), step):  # as it is heard: in one piece it takes a third less
        core.receive_pcm(pcm[at : at + step])
    spent_s, took_s = max(1e-3, time.thread_time() - began), time.perf_counter() - wall
    loop = AROUND * spent_s / MEASURED_S
    return Cores(loop, SCORERS * loop), max(1.0, took_s / spent_s)


async def open_load(
    engine: Engine, shedding: Shedding, admission: Literal["measured", "whole", "fixed"], *, processes: int = 1
) -> LoadMeter:
    """A meter, not started, that knows what is loaded and what a session will cost. ``admission``: by what newcomers
    are refused; ``whole``: by what they cost with all parts. ``processes``: how many like this one share the CPUs."""
    service = engine.service
    loaded = (
        (Part.MOS, service.has_mos),
        (Part.NAMES, Part.NAMES in service.scorer_names),
        (Part.VOICES, service.has_talkers),
        (Part.DENOISER, service.has_denoiser),
        (Part.CLAP, not engine.basic_mode),
    )
    shedding.load(tuple(part for part, there in loaded if there))
    cost, stretch = await asyncio.to_thread(first_cost, engine)
    clock = LoopClock()
    return LoadMeter(
        clock,
        LoopWatch(clock),
        Costs(cost),
        shedding,
        cpus=cpus() / processes,
        decides=admission != "fixed",
        whole=admission == "whole",
        stretch=stretch,
        part_costs=PartCosts({part: times * cost.loop / AROUND for part, times in OF_CORE.items()}),
    )
