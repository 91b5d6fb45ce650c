"""Counts what a patient does not follow, and says to whom prompts go then."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from server.judge.judgement import Audience
from server.values.stored import count

IGNORED_AFTER_S = 20
IGNORED_BEFORE_DOCTOR = 2
"""A prompt is ignored once for each 20 s that it is up without clearing; after two, prompts go to the doctor."""


@dataclass(slots=True)
class Patience:
    """``ignored``: how often, by label id."""

    ignored: dict[str, int] = field(default_factory=dict)

    def count(self, label_id: str, counted: int, up_for: int, rate: int) -> int:
        """A patient's prompt has been up for ``up_for`` samples, of which ``counted`` periods are counted already;
        returns how many are now."""
        periods = up_for // (IGNORED_AFTER_S * rate)
        if periods > counted:
            self.ignored[label_id] = self.ignored.get(label_id, 0) + periods - counted
        return max(periods, counted)

    def forget(self, over: Iterable[str]) -> None:
        """The troubles of these labels are over: if they come back they are new."""
        for label_id in over:
            self.ignored.pop(label_id, None)

    def audience(self, *, observed: bool) -> Audience:
        """Who gets the next prompt. Where nobody observes it stays with the patient."""
        return "doctor" if observed and sum(self.ignored.values()) >= IGNORED_BEFORE_DOCTOR else "patient"

    def snapshot(self) -> dict[str, Any]:
        """JSON-able."""
        return {"ignored": dict(self.ignored)}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Self:
        """What ``snapshot`` wrote."""
        return cls({str(label_id): count(times) for label_id, times in state["ignored"].items()})
