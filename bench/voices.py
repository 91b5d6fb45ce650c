"""Voices, noises and rooms of TINGQING_SHARED in two folds that share no talker, no noise recording and no room.

What is fitted is fitted on ``fit`` alone; ``held`` judges it.
"""

import csv
import functools
import itertools
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parent.parent
AUDIO = Path(os.environ.get("TINGQING_SHARED", ROOT.parent / "shared")) / "audio"
sys.path.insert(0, str(AUDIO))
import make_mixes  # noqa: E402 - lies beside the recordings
from further_mixes import box_room, decaying_room  # noqa: E402 - needs make_mixes

__all__ = ["AUDIO", "FOLDS", "RATE", "ROOT", "Audio", "Cast", "Fold", "clarity_db", "decaying_room", "fitted"]
__all__ += ["floor_noise", "in_room", "levelled", "make_mixes", "rows", "spread_over", "with_noise"]

RATE = 16_000
VOICE_DBFS = -26.0
LEAST_SNR_DB = 30.0
EARLY_S = 0.05
"""What arrives within 50 ms helps to understand (ISO 3382-1, C50)."""
Audio = npt.NDArray[np.float64]
Fold = Literal["fit", "held"]
FOLDS: tuple[Fold, Fold] = ("fit", "held")
Row = dict[str, str]


@functools.cache
def rows() -> tuple[Row, ...]:
    with (AUDIO / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def clarity_db(response: Audio) -> float:
    """C50 of a room's impulse response, dB: energy within 50 ms of the strongest sample, against what comes later."""
    start = int(np.argmax(np.abs(response)))
    early = float(np.sum(response[start : start + int(EARLY_S * RATE)] ** 2))
    late = float(np.sum(response[start + int(EARLY_S * RATE) :] ** 2))
    return float(10 * np.log10(early / max(late, 1e-12)))


class Cast:
    """Talkers and noises of one fold, each in turn. ``least_snr_db``: own noise floor under the voice, of each clip."""

    def __init__(self, fold: Fold, seed: int, *, least_snr_db: float = LEAST_SNR_DB) -> None:
        self.fold = fold
        self.rng = np.random.default_rng((seed, FOLDS.index(fold)))
        talkers: dict[str, list[str]] = {}
        everyone: set[str] = set()
        for row in rows():
            spoken = row["path"].startswith("speech/") and row["clean"] == "yes" and row["language"] in {"en", "zh"}
            snr_db = float(row["active_db"] or 0.0) - float(row["floor_db"] or 0.0)
            if spoken and snr_db >= min(LEAST_SNR_DB, least_snr_db):
                everyone.add(row["group"])
            if spoken and snr_db >= least_snr_db:
                talkers.setdefault(row["group"], []).append(row["path"])
        # Whoever is left out for noise changes no other talker's fold.
        names = [name for name in sorted(everyone)[FOLDS.index(fold) :: 2] if name in talkers]
        order = [names[place] for place in self.rng.permutation(len(names))]
        self.n_talkers = len(order)
        self._talkers = itertools.cycle([(name, talkers[name]) for name in order])
        noises: dict[str, list[Row]] = {}
        groups = sorted({row["group"] or row["path"] for row in rows() if row["path"].startswith("noise/")})
        mine = set(groups[FOLDS.index(fold) :: 2])
        for row in rows():
            long_enough = row["path"].startswith("noise/") and float(row["seconds"]) >= 0.5
            if long_enough and (row["group"] or row["path"]) in mine:
                noises.setdefault(row["kind"], []).append(row)
        self.kinds = sorted(noises)
        self._noises = {kind: itertools.cycle(those) for kind, those in noises.items()}

    def voice(self, seconds: float) -> tuple[Audio, str]:
        """The next talker at -26 dBFS while speaking, with gaps between the clips, and the talker's group."""
        group, files = next(self._talkers)
        spoken, _, _ = make_mixes.track([str(AUDIO / file) for file in files], seconds, self.rng)
        return levelled(spoken, VOICE_DBFS), group

    def noise(self, kind: str, n: int) -> tuple[Audio, str]:
        """``n`` samples of the next noise of its kind, and its group."""
        row = next(self._noises[kind])
        found = make_mixes.fit_noise(make_mixes.load(str(AUDIO / row["path"])), n / RATE, self.rng)
        return found[:n], row["group"] or row["path"]

    def rooms(self) -> list[Audio]:
        """Recorded responses of this fold, decaying noise and boxes, from the driest to the longest."""
        recorded = sorted(row["path"] for row in rows() if row["path"].startswith("rir/"))[FOLDS.index(self.fold) :: 2]
        found = [make_mixes.load(str(AUDIO / path)) for path in recorded]
        for decay_s, ratio_db in itertools.product((0.25, 0.4, 0.6, 0.9, 1.4), (-9, -4, 0, 4, 9)):
            found.append(decaying_room(decay_s * self.rng.uniform(0.9, 1.1), ratio_db, self.rng))
        for side, decay_s, distance_m in itertools.product((3, 4.5, 7), (0.3, 0.6, 1.1), (0.5, 1.5, 3)):
            if distance_m < side * 0.7:
                found.append(box_room((side, side * 0.8, 2.7), decay_s, distance_m, self.rng))
        return sorted(found, key=clarity_db, reverse=True)


def levelled(sound: Audio, dbfs: float) -> Audio:
    """``sound`` with its active level at ``dbfs``."""
    return np.asarray(sound * 10 ** ((dbfs - make_mixes.active(sound)) / 20))


def in_room(voice: Audio, response: Audio) -> Audio:
    """``voice`` heard in a room, at the same active level; the direct sound is not delayed."""
    return levelled(make_mixes.reverb(voice, response)[0], make_mixes.active(voice))


def with_noise(voice: Audio, noise: Audio, snr_db: float) -> Audio:
    """SNR: active level of the voice over the RMS of the noise, as ``make_mixes.py`` has it."""
    return np.asarray(voice + noise * 10 ** ((make_mixes.active(voice) - snr_db - make_mixes.rms_db(noise)) / 20))


def floor_noise(n: int, dbfs: float, rng: np.random.Generator) -> Audio:
    """A microphone's own noise, white, at ``dbfs``."""
    return np.asarray(rng.standard_normal(n) * 10 ** (dbfs / 20))


def fitted(sound: Audio, n: int) -> Audio:
    """``sound`` cut or filled with zeros to ``n`` samples."""
    return np.asarray(np.pad(sound, (0, max(0, n - sound.size)))[:n])


def spread_over(values: Sequence[float], count: int) -> list[float]:
    """``count`` values, each of ``values`` equally often, in turn."""
    return [values[place % len(values)] for place in range(count)]
