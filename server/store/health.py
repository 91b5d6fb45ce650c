"""Whether the database takes what it is given: logged when that changes, and shown by ``/readyz``."""

import logging
from typing import Literal

log = logging.getLogger(__name__)

Work = Literal["reading", "writing"]


class StoreHealth:
    """``failures``: transactions that failed since the start; ``unwritable``: states that were dropped, because they
    could not be put into bytes."""

    def __init__(self) -> None:
        self.failures = 0
        self.unwritable = 0
        self._failing: set[Work] = set()

    @property
    def failing(self) -> bool:
        """Whether the latest attempt failed, to read or to write."""
        return bool(self._failing)

    def failed(self, work: Work) -> None:
        """One line in the log for each time that it begins to fail."""
        self.failures += 1
        if not self._failing:
            log.error("the database does not answer: sessions go on, and could not be continued after a restart")
        self._failing.add(work)

    def worked(self, work: Work) -> None:
        """The same for its return."""
        if self._failing == {work}:
            log.warning("the database answers again: sessions are kept")
        self._failing.discard(work)
