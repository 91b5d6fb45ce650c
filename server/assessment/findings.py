"""What was heard besides speech, over a session or file, in bounded memory."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from server.judge.judgement import WindowFacts
from server.judge.sounds import Interference, PatientSound
from server.values.stored import amount, amounts, count
from server.values.text import Text
from server.values.windows import HOP_S

MAX_SPANS = 1000
"""Maximum number of remembered events; later ones are dropped. They take at least an hour."""
JOIN_S = 2 * HOP_S
"""An event that is not heard for this long and then again is one event: names flicker from window to window."""
SOLID_WINDOWS = 3
"""A sound named in fewer windows of a long recording is left out: a sound of any length is in ten of them."""


@dataclass(frozen=True, slots=True)
class Event:
    """A sound of the patient, between two samples of the input rate. ``score``: the highest of its windows."""

    id: str
    title: Text
    start: int
    end: int
    score: float


@dataclass(slots=True)
class _Stay:
    """Successive windows that contain one event. In samples: ``after`` is where the new part of the first window
    begins, ``until`` where the first window without the event begins, if there is one yet."""

    sound: PatientSound
    after: int
    first_end: int
    last_start: int
    last_end: int
    until: int | None = None

    def event(self) -> Event:
        """Where the event must lie: from the new part of its first window to the part that its last one lost. If some
        windows in between missed it, it lies where those that heard it overlap."""
        start, end = self.after, self.last_end if self.until is None else self.until
        if start >= end:
            start, end = self.last_start, self.first_end
        return Event(self.sound.id, self.sound.title, start, end, self.sound.score)


@dataclass(slots=True)
class _InterferenceTally:
    """One interference in the windows in which it disturbed. ``scores``: their sum."""

    named: Interference
    windows: int = 0
    scores: float = 0.0


class SoundFindings:
    """Call with every window in order, once."""

    def __init__(self) -> None:
        self._windows = 0
        self._end = 0
        self._tallies: dict[str, _InterferenceTally] = {}
        self._stays: list[_Stay] = []
        self._open: dict[str, _Stay] = {}

    def add(self, interference: Iterable[Interference], events: Iterable[PatientSound], facts: WindowFacts) -> None:
        """Add one window; a window that ends no later than the last one is ignored."""
        if facts.end_sample <= self._end:
            return
        self._windows += 1
        for one in interference:
            tally = self._tallies.setdefault(one.id, _InterferenceTally(one))
            tally.windows += 1
            tally.scores += one.score
        self._follow({sound.id: sound for sound in events}, facts)
        self._end = facts.end_sample

    def _follow(self, heard: dict[str, PatientSound], facts: WindowFacts) -> None:
        for sound_id, stay in list(self._open.items()):
            if sound_id in heard:
                continue
            stay.until = facts.start_sample if stay.until is None else stay.until
            if facts.end_sample - stay.last_end > JOIN_S * facts.sample_rate:
                del self._open[sound_id]
        for sound in heard.values():
            known = self._open.get(sound.id)
            if known is not None:
                known.sound = max(known.sound, sound, key=lambda one: one.score)
                known.last_start, known.last_end, known.until = facts.start_sample, facts.end_sample, None
            elif len(self._stays) < MAX_SPANS:
                stay = _Stay(
                    sound, max(facts.start_sample, self._end), facts.end_sample, facts.start_sample, facts.end_sample
                )
                self._stays.append(stay)
                self._open[sound.id] = stay

    def interference(self) -> list[Interference]:
        """Disturbing sounds, the longest first, each with its mean score over the windows in which it disturbed."""
        solid = min(SOLID_WINDOWS, math.ceil(self._windows / 2))
        told = [tally for tally in self._tallies.values() if tally.windows >= solid]
        told.sort(key=lambda tally: (-tally.windows, -tally.scores, tally.named.id))
        return [replace(tally.named, score=tally.scores / tally.windows) for tally in told]

    def events(self) -> list[Event]:
        """The patient's own sounds, in the order in which they began."""
        return [stay.event() for stay in self._stays]

    def latest_events(self) -> list[Event]:
        """Those heard now or a moment ago; their ends may still move."""
        return [stay.event() for stay in self._open.values()]

    def snapshot(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "windows": self._windows,
            "end": self._end,
            "interference": [asdict(tally) for tally in self._tallies.values()],
            "events": [asdict(stay) for stay in self._stays],
            "open": sorted(self._stays.index(stay) for stay in self._open.values()),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a ``snapshot``."""
        self._windows, self._end = count(state["windows"]), count(state["end"])
        self._tallies = {}
        for tally in state["interference"]:
            named = tally["named"]
            named = Interference(named["id"], Text(**named["title"]), amount(named["score"]), Text(**named["prompt"]))
            self._tallies[named.id] = _InterferenceTally(named, count(tally["windows"]), amount(tally["scores"]))
        self._stays = [_Stay(**(amounts(stay) | {"sound": _sound(stay["sound"])})) for stay in state["events"]]
        self._open = {self._stays[at].sound.id: self._stays[at] for at in state["open"]}


def _sound(state: dict[str, Any]) -> PatientSound:
    return PatientSound(state["id"], Text(**state["title"]), amount(state["score"]))
