"""Miss and false-alarm rates of the detectors, with no levelling, with causal levelling and with the offline ideal.

    .venv/bin/python bench/vad.py [--talkers 24] [--level -26]

Reads real speech and noise from TINGQING_SHARED (default ../shared) and mixes them with that folder's own
``make_mixes.py``. The ground truth is Silero on the clean track, levelled offline to -26 dBFS by its active level; rows
of 10 ms. Miss: speech rows taken for silence. False alarm: rows more than 30 ms away from speech taken for speech.
Noise only: all rows taken for speech.
"""

import argparse
import csv
import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from server.model.silero import SileroDetector, load_silero_session
from server.model.webrtc import WebRtcDetector
from server.stream.levelling import TARGET_DBFS, Levelling

SHARED = Path(os.environ.get("TINGQING_SHARED", Path(__file__).resolve().parents[2] / "shared"))
AUDIO = SHARED / "audio"
RATE = 16_000
SECONDS = 12
ROWS = SECONDS * 100
AWAY_ROWS = 3
SNRS: tuple[float | None, ...] = (None, 20, 15, 8, 3, -3)
NOISES = ("babble", "music", "fan_ac", "traffic", "typing", "dog_bark", "baby_cry", "appliance", "wind", "siren_alarm")


def mixer() -> ModuleType:
    """The module that made the labelled mixes: the same definitions of level and SNR."""
    spec = importlib.util.spec_from_file_location("make_mixes", AUDIO / "make_mixes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def probabilities(samples: Any, detector: Any, level: Callable[[Any], Any]) -> Any:
    """Speech probability of each 10 ms row: that of the frame that contains its middle."""
    n = detector.frame_samples
    frames = samples[: samples.shape[0] // n * n].reshape(-1, n)
    heard = detector.push(level(frames))
    middles = (np.arange(ROWS) * 160 + 80) // n
    return heard[np.minimum(middles, heard.shape[0] - 1)]


def by(gain_db: float) -> Callable[[Any], Any]:
    gain = np.float32(10 ** (gain_db / 20))
    return lambda frame: np.clip(frame * gain, -1, 1)


def levellings(mix: Any, active_db: float) -> dict[str, Callable[[Any], Any]]:
    """Three levellings of ``mix``: none, the server's, and by the level of the complete file."""
    return {"none": by(0.0), "causal": Levelling().apply, "offline": by(TARGET_DBFS - active_db)}


def detectors() -> dict[str, Callable[[], Any]]:
    session = load_silero_session()
    modes = {f"webrtc {mode}": (lambda mode=mode: WebRtcDetector(mode)) for mode in range(4)}
    return {"silero": lambda: SileroDetector(session), **modes}


def files(talkers: int) -> tuple[list[list[str]], list[str]]:
    """Clean speech of that many talkers, English and Mandarin in turn, and noise files, one of each kind in turn."""
    with (AUDIO / "manifest.csv").open(encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    talks: dict[str, list[str]] = {}
    for row in rows:
        if row["kind"] == "read" and row["clean"] == "yes" and row["language"] in ("en", "zh"):
            talks.setdefault(f"{row['language']} {row['group']}", []).append(str(AUDIO / row["path"]))
    english = [files for name, files in talks.items() if name.startswith("en")]
    mandarin = [files for name, files in talks.items() if name.startswith("zh")]
    mixed = [files for pair in zip(english, mandarin * 9, strict=False) for files in pair]
    noises: list[str] = []
    by_kind = {kind: [str(AUDIO / row["path"]) for row in rows if row["kind"] == kind] for kind in NOISES}
    for turn in range(3):
        noises += [found[turn % len(found)] for found in by_kind.values() if found]
    return mixed[:talkers], noises


def mixes(maker: ModuleType, talkers: int, level: float) -> Iterator[tuple[str, Any, Any, float]]:
    """(condition, mix, clean track at -26 dBFS or None, active level of the mix)."""
    speech, noises = files(talkers)
    for n, clips in enumerate(speech):
        clean, _ = maker.make_mix(clips[:3], seed=n)
        for snr in SNRS:
            mix, _ = maker.make_mix(clips[:3], noise=None if snr is None else noises[n % len(noises)],
                                    snr=snr, seed=n, level=level)  # fmt: skip
            yield "clean" if snr is None else f"{snr:g} dB", mix, clean, maker.active(mix)
    for n, noise in enumerate(noises[: max(4, talkers)]):
        mix, _ = maker.make_mix(noise=noise, seed=n, level=level)
        yield "noise only", mix, None, maker.active(mix)


def tally(counts: dict[str, list[int]], condition: str, truth: Any, far: Any, heard: Any) -> None:
    row = counts.setdefault(condition, [0, 0, 0, 0])
    row[0] += int((truth & ~heard).sum())
    row[1] += int(truth.sum())
    row[2] += int((far & heard).sum())
    row[3] += int(far.sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--talkers", type=int, default=24)
    parser.add_argument("--level", type=float, default=-26.0, help="active speech level of the mixes, dBFS")
    arguments = parser.parse_args()
    makers = detectors()
    results: dict[tuple[str, str], dict[str, list[int]]] = {}
    truths: dict[int, Any] = {}
    for condition, mix, clean, active_db in mixes(mixer(), arguments.talkers, arguments.level):
        samples = mix.astype(np.float32)
        truth = np.zeros(ROWS, bool)
        if clean is not None:
            key = hash(clean.tobytes())
            if key not in truths:
                truths[key] = probabilities(clean.astype(np.float32), makers["silero"](), by(0.0)) >= 0.5
            truth = truths[key]
        far = ~(np.convolve(truth, np.ones(2 * AWAY_ROWS + 1), "same") > 0)
        for detector in makers:
            for levelling, level in levellings(samples, active_db).items():
                heard = probabilities(samples, makers[detector](), level) >= 0.5
                tally(results.setdefault((detector, levelling), {}), condition, truth, far, heard)
    print(f"miss % / false alarm %, active level {arguments.level:g} dBFS, {arguments.talkers} talkers")
    for (detector, levelling), counts in results.items():
        cells = []
        for condition, (miss, speech, alarm, pause) in counts.items():
            missed = f"{100 * miss / speech:.1f}/" if speech else ""
            cells.append(f"{condition}: {missed}{100 * alarm / max(pause, 1):.1f}")
        print(f"{detector:9} {levelling:8} " + "  ".join(cells))


if __name__ == "__main__":
    main()
