"""Metrics of sessions, for monitoring the process. Each scorer has its own (``Scoring.metrics``)."""

from dataclasses import dataclass
from typing import Protocol


class Metrics(Protocol):
    """Counted by sessions, read by ``/readyz``; never reset."""

    @property
    def windows_replaced(self) -> int:
        """Live windows replaced by newer ones, in all sessions since the start."""
        ...

    def window_replaced(self) -> None:
        """One more."""
        ...


@dataclass(slots=True)
class ProcessMetrics:
    """``Metrics`` of this process, written only on its loop."""

    windows_replaced: int = 0

    def window_replaced(self) -> None:
        """See ``Metrics``."""
        self.windows_replaced += 1
