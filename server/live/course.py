"""What came of the listener's prompts in a session, and how soon the sound was good enough: for its record."""

from collections.abc import Iterable
from typing import Any

from server.judge.judgement import PromptCleared, PromptEvent, PromptRaised
from server.judge.labels import LabelSet
from server.values.stored import amount, count
from server.wire.server import QualityUpdate

GOOD_ENOUGH = ("clear", "usable")


class Course:
    """One per session. ``raised``: prompts of the listener for the patient; not those of a doctor. ``followed``: those
    that cleared because the label reached its threshold. ``first_usable_s``: where the first window ends of which a
    doctor can use what is heard, in seconds of audio; ``None`` before it."""

    def __init__(self) -> None:
        self.raised = self.followed = 0
        self.first_usable_s: float | None = None

    def judged(self, update: QualityUpdate, prompts: Iterable[PromptEvent], labels: LabelSet) -> None:
        """A window, with the prompts that it raised and cleared."""
        if self.first_usable_s is None and update.overall.grade in GOOD_ENOUGH:
            self.first_usable_s = update.window.end_s
        thresholds = {label.id: label.threshold for label in labels.labels}
        for event in prompts:
            if event.audience != "patient":
                continue
            match event:
                case PromptRaised():
                    self.raised += 1
                case PromptCleared():
                    score = update.recent.get(event.label_id)
                    self.followed += score is not None and score >= thresholds.get(event.label_id, 1.0)

    def snapshot(self) -> dict[str, Any]:
        """JSON-able; for ``restore``."""
        return {"raised": self.raised, "followed": self.followed, "first_usable_s": self.first_usable_s}

    def restore(self, state: dict[str, Any]) -> None:
        """Raises KeyError, TypeError or ValueError for anything but a ``snapshot``."""
        self.raised, self.followed = count(state["raised"]), count(state["followed"])
        usable = state["first_usable_s"]
        self.first_usable_s = None if usable is None else amount(usable)
