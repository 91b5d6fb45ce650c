"""What a caller wants judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class RequestedLabel:
    """One label, by id, title, alias or ad hoc text, with its own threshold (0..1) or weight."""

    label: str
    threshold: float | None = None
    weight: float | None = None


LabelQuery: TypeAlias = str | Sequence[RequestedLabel] | None
"""A dictionary's name or a list of labels separated by commas; single labels; ``None``: all of ``telemedicine``."""
