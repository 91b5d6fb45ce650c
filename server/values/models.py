"""Models that may be absent, as ``/readyz`` and the start lines tell them."""

from dataclasses import dataclass
from enum import StrEnum

from server.values.text import Text


class ModelState(StrEnum):
    """Of a model's file. ``DAMAGED``: it is there, but its size or SHA-256 differs; it is not used. ``FAILED``: it is
    intact, but could not be loaded; the log says why."""

    THERE = "there"
    ABSENT = "absent"
    DAMAGED = "damaged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OptionalModel:
    """A model that the server can do without. ``without``: what the judgement then lacks.

    ``used``: whether this version listens with it at all; if not, nothing is lacking where it is absent. ``fetched``:
    whether setup or a command fetches it; what has to be carried over by hand is not missed where it is absent.
    """

    id: str
    state: ModelState
    used: bool
    without: Text
    fetched: bool = True

    @property
    def lacking(self) -> bool:
        """Whether the judgement lacks something because the file is not there, damaged, or not loaded."""
        return self.used and self.state is not ModelState.THERE

    @property
    def missed(self) -> bool:
        """Whether somebody should be told so unasked."""
        return self.lacking and (self.fetched or self.state is not ModelState.ABSENT)
