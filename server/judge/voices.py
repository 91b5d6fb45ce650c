"""Whose voice is heard when, over a session or file. Sans-IO, with memory that does not grow with the session.

Voices are told apart by what a model makes of them (192 numbers, alike for one person). Each stretch of speech goes to
the known voice that it is most like, or begins a new one; two that turn out alike become one. Everything is in sample
time (rows of 10 ms), so that the same audio gives the same voices however it arrived.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from server.judge.voice_tracks import VoiceTrack
from server.values.rows import BoolArray
from server.values.stored import count, number
from server.values.voices import HeardRows, HeardTalker, KnownVoice

Vector = npt.NDArray[np.float64]

SAME = 0.45
"""Likeness (cosine) from which a stretch is of a known voice. Of one person, 99 % of stretches of 2 s are alike by 0.55
and more, of two persons 99 % by less than 0.48 (docs/decisions/0027)."""
MERGED = 0.62
"""Likeness from which two voices are one: of all that was heard of each, not of single stretches."""
NEW_S = 1.0
"""Seconds alone that a new voice must be heard; shorter stretches are like nobody."""
CARRIED = 0.5
"""Share of a short stretch's context that must have been one voice's for the stretch to be its too."""
MOST_VOICES = 8
"""More are not told apart: of those heard least, the oldest makes room."""
MOST_KNOWN_S = 20.0
"""What was heard elsewhere, by another microphone perhaps, weighs no more than this."""
MOST_WEIGHT_S = 60.0
"""A voice is known by its last minute or so, so that it may change slowly (hoarse, nearer)."""


@dataclass(slots=True)
class _Known:
    """``sum``: of what it was known by, weighted by seconds, ``weight_s``."""

    track: VoiceTrack
    sum: Vector = field(repr=False)
    weight_s: float

    @property
    def centre(self) -> Vector:
        return self.sum / max(float(np.linalg.norm(self.sum)), 1e-9)

    def learn(self, voice: Vector, seconds: float) -> None:
        self.sum = self.sum + voice * seconds
        self.weight_s += seconds
        if self.weight_s > MOST_WEIGHT_S:
            self.sum, self.weight_s = self.sum * (MOST_WEIGHT_S / self.weight_s), MOST_WEIGHT_S


@dataclass(slots=True)
class VoiceBook:
    """Call ``add`` for successive stretches, in order. ``tracks`` at any time."""

    _known: list[_Known] = field(default_factory=list)
    _next: int = 1

    def add(self, rows: HeardRows, talkers: Sequence[HeardTalker]) -> BoolArray:
        """``rows``: the new ones. ``talkers``: who speaks in them, at most three. Bool ``(n,)``: where two of them
        speak at once."""
        taken: set[int] = set()
        speaks = np.zeros((len(talkers), rows.level_db.shape[0]), np.bool_)
        whose: list[_Known | None] = []
        for place, talker in enumerate(sorted(talkers, key=lambda one: -one.heard_s)):
            found = self._chosen(talker, taken, rows.start)
            whose.append(found)
            speaks[place] = talker.new
            if found is not None:
                taken.add(found.track.number)
        several = np.asarray(speaks.sum(axis=0) > 1)
        nobody = np.asarray(~speaks.any(axis=0))
        for place, found in enumerate(whose):
            if found is not None:
                found.track.add(rows, speaks[place], speaks[place] & ~several, nobody)
        self._merge()
        return several

    @property
    def tracks(self) -> list[VoiceTrack]:
        """In the order in which they were first heard."""
        return sorted((one.track for one in self._known), key=lambda track: track.number)

    def _chosen(self, talker: HeardTalker, taken: set[int], start: int) -> _Known | None:
        """The known voice that is most like the talker's, or a new one; by who spoke before where too little was heard.

        Two talkers of one stretch are two voices: those in ``taken`` are spoken for.
        """
        if talker.voice is None:
            return self._carried(talker, taken, start)
        voice = np.asarray(talker.voice, np.float64)
        free = [(float(one.centre @ voice), one) for one in self._known if one.track.number not in taken]
        likeness, best = max(free, key=lambda pair: pair[0], default=(-1.0, None))
        if best is None or likeness < SAME:
            if talker.heard_s < NEW_S:
                return None
            best = self._begun(voice)
        best.learn(voice, talker.heard_s)
        return best

    def _carried(self, talker: HeardTalker, taken: set[int], start: int) -> _Known | None:
        """Who was heard, in the seconds before, where this talker spoke."""
        before = talker.before
        total = int(np.count_nonzero(before))
        if not total:
            return None
        shares = [
            (int(np.count_nonzero(one.track.spoke(start - before.shape[0], start) & before)), one)
            for one in self._known
            if one.track.number not in taken
        ]
        most, whose = max(shares, key=lambda pair: pair[0], default=(0, None))
        return whose if most >= CARRIED * total else None

    def know(self, patient: KnownVoice) -> None:
        """The patient's voice, known before anything is heard."""
        voice = np.asarray(patient.voice, np.float64)
        begun = self._begun(voice)
        begun.track.known = True
        begun.learn(voice, min(patient.heard_s, MOST_KNOWN_S))

    def voice_of(self, number: int) -> KnownVoice | None:
        """What is known of the voice of a track; ``None`` if there is none of that number."""
        found = next((one for one in self._known if one.track.number == number), None)
        return None if found is None else KnownVoice(found.centre.astype(np.float32), found.weight_s)

    def _begun(self, voice: Vector) -> _Known:
        if len(self._known) >= MOST_VOICES:
            strangers = [one for one in self._known if not one.track.known]
            self._known.remove(min(strangers, key=lambda one: (one.track.rows, one.track.number)))
        made = _Known(VoiceTrack(self._next), np.zeros_like(voice), 0.0)
        self._next += 1
        self._known.append(made)
        return made

    def _merge(self) -> None:
        """The two voices most alike become one, as long as there are such."""
        while len(self._known) > 1:
            centres = np.stack([one.centre for one in self._known])
            alike = np.triu(centres @ centres.T, 1)
            first, second = (int(place) for place in np.unravel_index(int(np.argmax(alike)), alike.shape))
            if alike[first, second] < MERGED:
                return
            kept, gone = self._known[first], self._known.pop(second)
            kept.sum, kept.weight_s = kept.sum + gone.sum, kept.weight_s + gone.weight_s
            kept.track.take(gone.track)

    def snapshot(self) -> dict[str, Any]:
        """JSON-able: some 4 kB for each voice, and no audio."""
        return {
            "next": self._next,
            "voices": [
                {"track": one.track.snapshot(), "weight_s": one.weight_s, "sum": one.sum.tolist()}
                for one in self._known
            ],
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """What ``snapshot`` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        known = [
            _Known(
                VoiceTrack.restore(one["track"]),
                np.array([number(value) for value in one["sum"]], np.float64),
                number(one["weight_s"]),
            )
            for one in state["voices"]
        ]
        return cls(known, count(state["next"]))
