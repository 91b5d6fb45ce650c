"""Dates that only pass, whatever happens to the machine's."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta


class SteadyDate:
    """The date when it was made, plus the time since then. For what a server gives out for minutes or hours and takes
    back itself: no correction of the date, in either direction, makes that last longer or shorter.

    Each process has its own: after a restart the new date holds.
    """

    def __init__(self, now: Callable[[], datetime], monotonic: Callable[[], float] = time.monotonic) -> None:
        """``now``: read once. ``monotonic``: seconds."""
        self._began = now()
        self._monotonic = monotonic
        self._since = monotonic()

    def __call__(self) -> datetime:
        """UTC, as ``now`` gave it."""
        return self._began + timedelta(seconds=self._monotonic() - self._since)
