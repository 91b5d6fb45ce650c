"""Brings speech to -26 dBFS for the VAD, causally: the same live and offline."""

import math
from typing import Any

import numpy as np

from server.values import CORE_RATE, Float32Array

TARGET_DBFS = -26.0
"""Active speech level that VAD and DNSMOS expect (ITU-T P.56 levels; facts/quality.md)."""

MAX_GAIN_DB = 40.0
MIN_GAIN_DB = -20.0

ACTIVE_RANGE_DB = 22.0
"""A frame within this of the estimate may be speech: the definition of the active level in the mixes' maker."""

RISE_S = 0.1
"""Time constant towards a louder frame."""

FALL_S = 4.0
"""Time constant towards a quieter, still active frame."""

LEAK_DB_PER_S = 2.0
"""How fast the estimate falls while nothing within its range is heard: a quiet talker after a loud noise is levelled
within seconds, and a pause of a second changes the gain little."""

QUIETEST_DBFS = -66.0
"""Estimates stop here: TARGET_DBFS - MAX_GAIN_DB."""

DC_S = 0.25
"""Time constant of the running mean that is taken away before levels are measured."""


class Levelling:
    """A running estimate of the active speech level, advanced frame by frame.

    ``apply`` takes one VAD frame at 16 kHz and gives it without its offset, at -26 dBFS by the estimate so far, this
    frame included. ``snapshot``/``restore`` carry the memory as JSON-able values.
    """

    def __init__(self) -> None:
        self._level_db: float | None = None
        self._dc: float | None = None

    def apply(self, frame: Float32Array) -> Float32Array:
        """float32 ``(n,)``, -1..1, to the same, levelled and limited to -1..1."""
        seconds = frame.shape[0] / CORE_RATE
        mean = float(frame.mean())
        self._dc = mean if self._dc is None else self._dc + (mean - self._dc) * _step(seconds, DC_S)
        centred = frame - np.float32(self._dc)
        power = float(np.dot(centred, centred)) / frame.shape[0]
        level = self._track(10.0 * math.log10(max(power, 1e-12)), seconds)
        gain_db = min(max(TARGET_DBFS - level, MIN_GAIN_DB), MAX_GAIN_DB)
        centred *= np.float32(10.0 ** (gain_db / 20.0))
        return np.clip(centred, -1.0, 1.0, out=centred)

    def _track(self, frame_db: float, seconds: float) -> float:
        level = self._level_db
        if level is None:
            level = max(frame_db, QUIETEST_DBFS)
        elif frame_db > level:
            level += (frame_db - level) * _step(seconds, RISE_S)
        elif frame_db > level - ACTIVE_RANGE_DB:
            level += (frame_db - level) * _step(seconds, FALL_S)
        else:
            level = max(level - LEAK_DB_PER_S * seconds, QUIETEST_DBFS)
        self._level_db = level
        return level

    def snapshot(self) -> dict[str, Any]:
        return {"level_db": self._level_db, "dc": self._dc}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue where ``snapshot`` was taken; raises KeyError, TypeError or ValueError on what is none."""
        level, dc = state["level_db"], state["dc"]
        self._level_db = None if level is None else float(level)
        self._dc = None if dc is None else float(dc)


def _step(seconds: float, time_constant_s: float) -> float:
    return 1.0 - math.exp(-seconds / time_constant_s)
