"""What was heard besides speech, over a whole session or file, in bounded memory."""

from collections.abc import Iterable, Sequence
from typing import Any

from server.judge.session import WindowFacts
from server.values import Interference

MAX_SPANS = 1000
"""Spans of events remembered; later ones are dropped. An hour of windows cannot hold more separate ones than 360."""


class Findings:
    """The strongest score of each interference, and when each event (a cough, crying …) was heard."""

    def __init__(self) -> None:
        self.interference: dict[str, Interference] = {}
        self.events: list[tuple[str, float, float]] = []

    def add_interference(self, found: Iterable[Interference]) -> None:
        for one in found:
            known = self.interference.get(one.id)
            if known is None or one.score > known.score:
                self.interference[one.id] = one

    def add_events(self, ids: Sequence[str], facts: WindowFacts) -> None:
        """Windows that overlap and hold the same event are one span."""
        start_s, end_s = facts.start_sample / facts.sample_rate, facts.end_sample / facts.sample_rate
        for event_id in ids:
            for at in range(len(self.events) - 1, -1, -1):
                name, known_start_s, known_end_s = self.events[at]
                if name == event_id and start_s <= known_end_s:
                    self.events[at] = (name, min(start_s, known_start_s), max(end_s, known_end_s))
                    break
            else:
                if len(self.events) < MAX_SPANS:
                    self.events.append((event_id, start_s, end_s))

    def snapshot(self) -> dict[str, Any]:
        return {
            "interference": [[one.id, one.title_zh, one.title_en, one.score] for one in self.interference.values()],
            "events": [list(event) for event in self.events],
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.interference = {row[0]: Interference(*row) for row in state["interference"]}
        self.events = [(str(name), float(start_s), float(end_s)) for name, start_s, end_s in state["events"]]
