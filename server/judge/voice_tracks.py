"""What is kept of one voice: where it spoke, how loud, over what noise, and how fast."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any, Self

import numpy as np

from server.values.audio import Float32Array
from server.values.rows import ROW_RATE, BoolArray, runs
from server.values.stored import amount, count, number
from server.values.voices import HeardRows

JOIN_ROWS = ROW_RATE
"""Silence within a turn: spans closer than this are one."""
MOST_SPANS = 600
"""Spans kept of one voice: an hour of short turns. Then the two nearest become one."""
LEAST_ROWS = 50
"""Rows under which a level means nothing."""
FALL_ROWS, SMOOTHED_ROWS = 5, 3
"""A syllable's end falls within 50 ms; a room's tail fills the fall."""
FALLS_DB = 41
"""Falls are counted in steps of 1 dB, 0 to 40."""
ABRUPT_SHARE, LEAST_FALLS = 0.1, 3 * ROW_RATE
"""A voice is as abrupt as the tenth of its falls that is largest, told from 3 s alone on."""


@dataclass(slots=True)
class VoiceTrack:
    """``rows``: of speech; ``alone``: of them those in which nobody else speaks, over which ``power`` (of full scale)
    and ``nuclei`` are summed. ``noise``, ``noise_levels``, ``quiet``: power, levels in dBFS and rows where nobody
    speaks, in the same stretches.
    ``far_rows``: of speech while the far end is known to speak. ``falls``: rows alone by how far the level falls after
    them, whole dB. ``spans``: rows ``[start, end)``. ``known``: it is the patient's, known from a check before."""

    number: int
    rows: int = 0
    known: bool = False
    alone: int = 0
    power: float = 0.0
    nuclei: int = 0
    quiet: int = 0
    noise: float = 0.0
    noise_levels: float = 0.0
    far_rows: int = 0
    falls: list[int] = field(default_factory=lambda: [0] * FALLS_DB)
    spans: list[list[int]] = field(default_factory=list)

    def add(self, heard: HeardRows, speaks: BoolArray, alone: BoolArray, nobody: BoolArray) -> None:
        """The rows of a stretch, which come after all before."""
        speaks, alone, nobody = (mask & heard.present for mask in (speaks, alone, nobody))
        if not speaks.any():
            return
        power = np.power(10.0, heard.level_db.astype(np.float64) / 10.0)
        self.rows += int(np.count_nonzero(speaks))
        self.far_rows += int(np.count_nonzero(speaks & heard.far_end))
        self.alone += int(np.count_nonzero(alone))
        self.power += float(power[alone].sum())
        self.nuclei += int(np.count_nonzero(heard.nuclei & alone))
        self._fall(heard.syllable_db, alone)
        self.quiet += int(np.count_nonzero(nobody))
        self.noise += float(power[nobody].sum())
        self.noise_levels += float(heard.level_db[nobody].sum(dtype=np.float64))
        for start, end in runs(speaks):
            self._say(heard.start + int(start), heard.start + int(end))

    def _fall(self, level_db: Float32Array, alone: BoolArray) -> None:
        smooth = np.convolve(level_db.astype(np.float64), np.full(SMOOTHED_ROWS, 1 / SMOOTHED_ROWS), "same")
        # The first and last row are smoothed with nothing.
        falls = (smooth[1 : -FALL_ROWS - 1] - smooth[FALL_ROWS + 1 : -1])[alone[1 : -FALL_ROWS - 1]]
        counted = np.bincount(np.clip(falls, 0, FALLS_DB - 1).astype(np.intp), minlength=FALLS_DB)
        self.falls = [one + int(more) for one, more in zip(self.falls, counted, strict=True)]

    def _say(self, start: int, end: int) -> None:
        if self.spans and start - self.spans[-1][1] < JOIN_ROWS:
            self.spans[-1][1] = max(end, self.spans[-1][1])
            return
        self.spans.append([start, end])
        if len(self.spans) > MOST_SPANS:
            gaps = [later[0] - one[1] for one, later in pairwise(self.spans)]
            place = int(np.argmin(gaps))
            self.spans[place][1] = self.spans.pop(place + 1)[1]

    def spoke(self, start: int, end: int) -> BoolArray:
        """Whether this voice's turn was on, in rows ``[start, end)``."""
        said = np.zeros(max(end - start, 0), np.bool_)
        for one, other in reversed(self.spans):
            if other <= start:
                break
            said[max(one - start, 0) : max(other - start, 0)] = True
        return said

    def take(self, other: "VoiceTrack") -> None:
        """``other`` was the same voice."""
        for one in fields(self):
            if one.name not in {"number", "known", "falls", "spans"}:
                setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))
        self.falls = [one + more for one, more in zip(self.falls, other.falls, strict=True)]
        self.number, self.known = min(self.number, other.number), self.known or other.known
        spans, self.spans = sorted([*self.spans, *other.spans]), []
        for start, end in spans:
            self._say(start, end)

    @property
    def seconds(self) -> float:
        """Of speech."""
        return self.rows / ROW_RATE

    @property
    def level_db(self) -> float | None:
        """Mean level where it speaks alone, dBFS; ``None`` under half a second."""
        return _db(self.power / self.alone) if self.alone >= LEAST_ROWS else None

    @property
    def noise_db(self) -> float | None:
        """Level where nobody speaks, in the same stretches, dBFS; ``None`` under half a second. Half-way between the
        level of the mean power and the mean level: a cough moves it little, lasting noise fully."""
        if self.quiet < LEAST_ROWS:
            return None
        return 0.5 * (_db(self.noise / self.quiet) + self.noise_levels / self.quiet)

    @property
    def fall_db(self) -> int | None:
        """How far the level falls at the ends of its syllables, dB in 50 ms: a dry voice by 12 and more, one that
        comes through a room by less. ``None`` under 3 s alone."""
        if sum(self.falls) < LEAST_FALLS:
            return None
        larger = 0
        for db in range(FALLS_DB - 1, 0, -1):
            larger += self.falls[db]
            if larger >= ABRUPT_SHARE * sum(self.falls):
                return db
        return 0

    @property
    def snr_db(self) -> float | None:
        """Of the speech alone, without the noise that lies in it as well."""
        if self.level_db is None or self.noise_db is None:
            return None
        ratio = 10.0 ** ((self.level_db - self.noise_db) / 10.0)
        return _db(max(ratio - 1.0, 1e-2))

    def snapshot(self) -> dict[str, Any]:
        """JSON-able."""
        return {one.name: getattr(self, one.name) for one in fields(self)} | {
            "falls": list(self.falls),
            "spans": [list(span) for span in self.spans],
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """What ``snapshot`` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            number=count(state["number"]),
            rows=count(state["rows"]),
            known=bool(state["known"]),
            alone=count(state["alone"]),
            power=amount(state["power"]),
            nuclei=count(state["nuclei"]),
            quiet=count(state["quiet"]),
            noise=amount(state["noise"]),
            noise_levels=number(state["noise_levels"]),
            far_rows=count(state["far_rows"]),
            falls=_falls(state["falls"]),
            spans=[[count(start), count(end)] for start, end in state["spans"]],
        )


def _falls(stored: Sequence[object]) -> list[int]:
    if len(stored) != FALLS_DB:
        raise ValueError(f"{len(stored)} steps of falls")
    return [count(one) for one in stored]


def _db(power: float) -> float:
    return max(-120.0, 10.0 * math.log10(max(power, 1e-12)))
