"""CPU time of the cheap path per second of stream: feature rows and acoustic scorer, without VAD and DNSMOS.

    .venv/bin/python bench/acoustic_cost.py [FILE] [--seconds 120]

FILE: any recording that libsndfile reads; by default a clean mix of TINGQING_SHARED. It is repeated to --seconds.
Goal: at most 3 ms per second of stream on one core.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from server.dictionaries import Dictionaries
from server.model.acoustic import AcousticScorer
from server.model.detectors import detector_factory
from server.model.dnsmos import DnsMos, load_dnsmos_session
from server.model.overlap import load_overlap
from server.scoring.ports import ScoreRequest
from server.stream.core import StreamCore
from server.stream.events import WindowReady
from server.stream.features import HopFeatures
from server.stream.noise_floor import NoiseFloor
from server.stream.totals import Totals
from server.values.audio import CORE_RATE, AudioFormat, Capture, CaptureSource, Encoding
from server.values.rows import Column
from server.values.windows import Window

ROOT = Path(__file__).resolve().parent.parent
GOAL_MS = 3.0


def cpu_ms(work: Callable[[], object], units: int) -> float:
    """CPU milliseconds of the process per unit of ``work``."""
    start = time.process_time()
    work()
    return (time.process_time() - start) / units * 1e3


def windows_of(samples: npt.NDArray[np.float32]) -> list[Window]:
    core = StreamCore(AudioFormat(Encoding.PCM_F32LE, CORE_RATE), detector_factory("silero")(), overlap=load_overlap())
    events = core.receive_pcm(samples.tobytes()) + core.finish()
    return [event.window for event in events if isinstance(event, WindowReady)]


def advance_all(samples: npt.NDArray[np.float32], windows: list[Window]) -> None:
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


def hear_all(samples: npt.NDArray[np.float32], windows: list[Window]) -> None:
    """The network that detects two people at once, for every hop."""
    network = load_overlap()
    for window in windows:
        if not window.partial:
            network.hear(samples[window.end_sample - CORE_RATE - network.context_samples : window.end_sample], 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("TINGQING_SHARED", ROOT.parent / "shared"))
    parser.add_argument("file", type=Path, nargs="?", default=shared / "audio" / "mixes" / "000_clean_en.flac")
    parser.add_argument("--seconds", type=int, default=120)
    arguments = parser.parse_args()
    samples, rate = soundfile.read(arguments.file, dtype="float32", always_2d=True)
    mono = soxr.resample(samples.mean(axis=1), rate, CORE_RATE).astype(np.float32)
    mono = np.resize(mono, arguments.seconds * CORE_RATE)
    windows = windows_of(mono)
    labels = Dictionaries.load(ROOT / "labels").resolve(None)
    requests = [ScoreRequest(window, labels, Capture(CaptureSource.FILE)) for window in windows]
    scorer = AcousticScorer()
    scorer.score(requests[:3])

    full = [window for window in windows if not window.partial]
    rows_ms = cpu_ms(lambda: advance_all(mono, windows), len(full))
    overlap_ms = cpu_ms(lambda: hear_all(mono, windows), len(full))
    score_ms = cpu_ms(lambda: scorer.score(requests), len(requests))
    mos = DnsMos(load_dnsmos_session())
    mos.score(full[0])
    mos_ms = cpu_ms(lambda: [mos.score(window) for window in full[:5]], 5)
    print(f"feature rows, noise floor, totals: {rows_ms:.2f} ms per second of stream")
    print(f"overlap network:                   {overlap_ms:.2f} ms per second of stream")
    print(f"acoustic scorer:                   {score_ms:.2f} ms per window, one a second")
    print(f"together:                          {rows_ms + overlap_ms + score_ms:.2f} ms (goal {GOAL_MS:.1f})")
    print(f"DNSMOS, every 5 s:                 {mos_ms:.0f} ms per window, {mos_ms / 5:.0f} ms per second of stream")


if __name__ == "__main__":
    main()
