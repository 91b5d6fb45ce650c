"""Brings speech to -26 dBFS for the VAD, causally: the same live and offline.

The constants were chosen among 25 variants by the detectors' misses and false alarms (bench/vad.py and
docs/decisions/0002-vad.md): with these, the causal estimate works as well as the level of the whole file.
"""

import math
from typing import Any

import numpy as np

from server.values.audio import CORE_RATE, Float32Array
from server.values.stored import amount, number

TARGET_DBFS = -26.0
"""Active speech level that VAD and DNSMOS expect, dBFS: ITU-T P.56's usual nominal level."""

START_DBFS = -40.0
"""The estimate before anything was heard. Starting from the first frame instead, a fading-in siren was lifted by 32 dB,
and Silero missed the speech in it for the rest of the file (98 %)."""

MAX_GAIN_DB = 30.0
MIN_GAIN_DB = -20.0

QUIETEST_DBFS = TARGET_DBFS - MAX_GAIN_DB

ACTIVE_RANGE_DB = 22.0
"""A frame may be speech if it is at most this far below the estimate, dB; the evaluation mixes use the same limit."""

AVERAGE_S = 3.0
"""The estimate is the mean power of active frames over about this long; at the start over all there are."""

LOUDER_DB = 10.0
"""The estimate is at once no further than this below a frame: no onset is lifted into the limiter."""

LEAK_DB_PER_S = 2.0
"""How fast the estimate falls while nothing within its range is heard: a quiet talker after a loud noise is levelled
within seconds, and a pause of a second changes the gain little."""

DC_S = 0.25
"""Time constant of the running mean that is taken away before levels are measured."""

_FIRST_S = 0.1


class Levelling:
    """A running estimate of the active speech level, advanced frame by frame.

    ``apply`` takes VAD frames at 16 kHz and gives them without their offset, at -26 dBFS by the estimate so far, each
    frame's own level included. ``snapshot``/``restore`` carry the memory as JSON-able values.
    """

    def __init__(self) -> None:
        self._level_db = START_DBFS
        self._heard_s = _FIRST_S
        self._dc: float | None = None

    def apply(self, frames: Float32Array) -> Float32Array:
        """Level frames: float32 ``(k, n)``, -1..1, to the same shape, limited to -1..1. How many come at a time changes
        nothing."""
        n = frames.shape[1]
        seconds = n / CORE_RATE
        offsets = [self._follow(total / n, seconds) for total in np.add.reduce(frames, axis=1).tolist()]
        centred = frames - np.array(offsets, np.float32)[:, np.newaxis]
        powers = np.add.reduce(np.square(centred), axis=1).tolist()
        gains = [self._gain(max(power / n, 1e-12), seconds) for power in powers]
        centred *= np.array(gains, np.float32)[:, np.newaxis]
        np.minimum(centred, 1.0, out=centred)
        np.maximum(centred, -1.0, out=centred)
        return centred

    def _follow(self, mean: float, seconds: float) -> float:
        """The running mean, this frame's included."""
        self._dc = mean if self._dc is None else self._dc + (mean - self._dc) * _step(seconds, DC_S)
        return self._dc

    def _gain(self, power: float, seconds: float) -> float:
        """Factor for a frame of this mean square, which is heard first."""
        self._track(power, seconds)
        gain_db = min(max(TARGET_DBFS - self._level_db, MIN_GAIN_DB), MAX_GAIN_DB)
        return float(10.0 ** (gain_db / 20.0))

    def _track(self, power: float, seconds: float) -> None:
        frame_db = 10.0 * math.log10(power)
        if frame_db <= self._level_db - ACTIVE_RANGE_DB:
            self._level_db = max(self._level_db - LEAK_DB_PER_S * seconds, QUIETEST_DBFS)
            return
        self._heard_s = min(self._heard_s + seconds, AVERAGE_S)
        before = 10.0 ** (self._level_db / 10.0)
        averaged_db = 10.0 * math.log10(before + (power - before) * _step(seconds, self._heard_s))
        self._level_db = max(averaged_db, frame_db - LOUDER_DB)

    def snapshot(self) -> dict[str, Any]:
        """The level in dB, how long speech was heard, and the offset, as JSON values."""
        return {"level_db": self._level_db, "heard_s": self._heard_s, "dc": self._dc}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where ``snapshot`` was taken. Raises KeyError, TypeError or ValueError for anything else."""
        dc = state["dc"]
        self._level_db = number(state["level_db"])
        self._heard_s = amount(state["heard_s"])
        self._dc = None if dc is None else number(dc)


def _step(seconds: float, time_constant_s: float) -> float:
    return 1.0 - math.exp(-seconds / time_constant_s)
