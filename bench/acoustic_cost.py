"""CPU time of the cheap path per second of stream: feature rows, losses, echo, second voice and acoustic scorer,
without VAD and DNSMOS.

    .venv/bin/python bench/acoustic_cost.py [FILE] [--seconds 120]

FILE: any recording that libsndfile reads; by default a clean mix of TINGQING_SHARED. It is repeated to --seconds.
Goal: at most 3 ms per second of stream on one core.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from server.dictionaries import Dictionaries
from server.model.acoustic import AcousticScorer
from server.model.detectors import detector_factory
from server.model.dnsmos import DnsMos, load_dnsmos_session
from server.model.overlap import OverlapNetwork, Weights, load_overlap
from server.scoring.ports import ScoreRequest
from server.stream.core import StreamCore
from server.stream.events import WindowReady
from server.stream.features import HopFeatures
from server.stream.input_measures import InputMeasures
from server.stream.losses import CONTEXT_SAMPLES as LOSS_CONTEXT
from server.stream.losses import losses, repeated_rows
from server.stream.noise_floor import NoiseFloor
from server.stream.own_echo import CONTEXT_SAMPLES as ECHO_CONTEXT
from server.stream.own_echo import OwnEcho
from server.stream.totals import Totals
from server.values.audio import CORE_RATE, AudioFormat, Capture, CaptureSource, Encoding
from server.values.rows import Column
from server.values.windows import Window
from tools.material.overlap_layers import weights_of_the_network, yardstick

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("TINGQING_SHARED", ROOT.parent / "shared"))
CLEAN = SHARED / "audio" / "mixes" / "000_clean_en.flac"
GOAL_MS = 3.0
RUNS = 8
END = object()


def cpu_ms(work: Callable[[], Iterator[object]], runs: int = RUNS) -> float:
    """CPU milliseconds per step of ``work``: for each step the least of some runs, as other work only adds to it."""
    least: list[float] = []
    for _ in range(runs):
        took = list(_timed(work()))
        least = took if not least else [min(pair) for pair in zip(least, took, strict=True)]
    return sum(least) / len(least) * 1e3


def _timed(steps: Iterator[object]) -> Iterator[float]:
    while True:
        start = time.thread_time()
        if next(steps, END) is END:
            return
        yield time.thread_time() - start


def windows_of(samples: npt.NDArray[np.float32]) -> list[Window]:
    core = StreamCore(AudioFormat(Encoding.PCM_F32LE, CORE_RATE), detector_factory("silero")(), overlap=load_overlap())
    events = core.receive_pcm(samples.tobytes()) + core.finish()
    return [event.window for event in events if isinstance(event, WindowReady)]


def advance_all(samples: npt.NDArray[np.float32], windows: list[Window]) -> Iterator[None]:
    """Features, noise floor and totals of every hop, with the speech and input columns of the windows' rows."""
    features, floor, totals = HopFeatures(), NoiseFloor(), Totals()
    for window in windows:
        if window.partial:
            continue
        last = window.rows[-100:]
        end = window.end_sample
        rows = features.advance(
            samples[end - CORE_RATE : end], last[:, Column.SPEECH].copy(), last[:, Column.PEAK : Column.GAP + 1].copy()
        )
        floor.advance(rows)
        totals.add(rows)
        yield


def find_all(samples: npt.NDArray[np.float32], windows: list[Window]) -> Iterator[None]:
    """What was lost, and what comes back, in every hop."""
    measures, echo = InputMeasures(CORE_RATE), OwnEcho()
    for window in windows:
        if not window.partial:
            start, end = window.end_sample - CORE_RATE, window.end_sample
            speech = window.rows[-100:, Column.SPEECH].copy()
            repeated = repeated_rows(samples[start - LOSS_CONTEXT : end], LOSS_CONTEXT, speech)
            losses(measures.cut_sound(samples[start:end], 100), repeated)
            echo.advance(samples[start - ECHO_CONTEXT : end], ECHO_CONTEXT)
            yield


def hear_all(network: OverlapNetwork, samples: npt.NDArray[np.float32], windows: list[Window]) -> Iterator[None]:
    """The network that detects two people at once, for every hop."""
    for window in windows:
        if not window.partial:
            network.hear(samples[window.end_sample - CORE_RATE - network.context_samples : window.end_sample], 100)
            yield


def measure_all(weights: Weights, samples: npt.NDArray[np.float32], windows: list[Window]) -> Iterator[None]:
    """The same work whatever the product does: its time tells how much other work lengthens everything."""
    for window in windows:
        if not window.partial:
            yardstick(weights, samples[window.end_sample - CORE_RATE * 3 // 2 : window.end_sample])
            yield


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU milliseconds per second of stream; DNSMOS, which hears every fifth window, apart."""

    rows_ms: float
    signs_ms: float
    overlap_ms: float
    scorer_ms: float
    mos_ms: float
    yardstick_ms: float

    @property
    def together_ms(self) -> float:
        return self.rows_ms + self.signs_ms + self.overlap_ms + self.scorer_ms


def measure(file: Path, seconds: int) -> Cost:
    """Of a recording that is repeated to ``seconds``."""
    samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    mono = soxr.resample(samples.mean(axis=1), rate, CORE_RATE).astype(np.float32)
    mono = np.resize(mono, seconds * CORE_RATE)
    windows = windows_of(mono)
    labels = Dictionaries.load(ROOT / "labels").resolve(None)
    requests = [ScoreRequest(window, labels, Capture(CaptureSource.FILE)) for window in windows]
    scorer = AcousticScorer()
    network, weights = load_overlap(), weights_of_the_network()
    scorer.score(requests[:3])
    full = [window for window in windows if not window.partial]
    mos = DnsMos(load_dnsmos_session())
    mos.score(full[0])
    return Cost(
        rows_ms=cpu_ms(lambda: advance_all(mono, windows)),
        signs_ms=cpu_ms(lambda: find_all(mono, windows)),
        overlap_ms=cpu_ms(lambda: hear_all(network, mono, windows)),
        scorer_ms=cpu_ms(lambda: (scorer.score([request]) for request in requests)),
        yardstick_ms=cpu_ms(lambda: measure_all(weights, mono, windows)),
        mos_ms=cpu_ms(lambda: (mos.score(window) for window in full[:5]), runs=2) / 5,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", default=CLEAN)
    parser.add_argument("--seconds", type=int, default=120)
    arguments = parser.parse_args()
    cost = measure(arguments.file, arguments.seconds)
    print("CPU per second of stream")
    print(f"feature rows, noise floor, totals: {cost.rows_ms:.2f} ms")
    print(f"signs of losses and of echo:       {cost.signs_ms:.2f} ms")
    print(f"overlap network:                   {cost.overlap_ms:.2f} ms")
    print(f"acoustic scorer:                   {cost.scorer_ms:.2f} ms")
    print(f"together:                          {cost.together_ms:.2f} ms (goal {GOAL_MS:.1f})")
    print(f"yardstick (0.64 ms when quiet):    {cost.yardstick_ms:.2f} ms")
    print(f"DNSMOS, one window in five:        {cost.mos_ms:.0f} ms")


if __name__ == "__main__":
    main()
