"""Metrics of sessions, for monitoring the process. Each scorer has its own (``Scoring.metrics``)."""

from dataclasses import dataclass


@dataclass(slots=True)
class Metrics:
    """Counted by the sessions of this process on its loop, read by ``/readyz``; never reset.

    ``windows_replaced``: live windows replaced by newer ones, in all sessions since the start.
    """

    windows_replaced: int = 0
