"""The tickets for DNSMOS results, if DNSMOS runs in this process."""

import asyncio
import logging

from server.errors import ScoringError
from server.scoring.jobs import Answer, Job
from server.scoring.lane import Lane
from server.scoring.ports import Priority
from server.values.measures import Mos
from server.values.windows import Window

log = logging.getLogger(__name__)

MosLane = Lane[Window, Mos | None]
MosJob = Job[Window, Mos | None]


class LaneTicket:
    """A ``MosTicket`` for a place in a lane. If a file finds the lane full, ``result`` waits for a place."""

    def __init__(self, lane: MosLane, window: Window, priority: Priority, deadline: float) -> None:
        """Raises ScoringError if a live window finds no room. ``deadline``: by the lane's clock."""
        self._lane = lane
        self._job: MosJob | None = None
        self._window: Window | None = None
        self._withdrawn = False
        try:
            self._job = _watched(lane.enqueue(window, priority, deadline))
        except ScoringError:
            if priority is Priority.LIVE:
                raise
            self._window = window

    @property
    def begun(self) -> bool:
        """See ``MosTicket``."""
        return self._job is not None and (self._job.running or self._job.future.done())

    async def result(self, within_s: float) -> Mos | None:
        """See ``MosTicket``. A file that finds no place within ``within_s`` fails."""
        job = await self._placed(within_s)
        done, _ = await asyncio.wait([job.future], timeout=within_s)
        if not done:
            raise TimeoutError
        if job.future.cancelled():
            raise _withdrawn()
        return job.future.result().value

    def withdraw(self) -> None:
        """See ``MosTicket``."""
        self._window, self._withdrawn = None, True
        if self._job is not None and not self._job.future.done():
            self._lane.abandon(self._job)

    async def _placed(self, within_s: float) -> MosJob:
        if self._job is None:
            if self._window is None:
                raise _withdrawn()
            job = _watched(await self._lane.admit(self._window, Priority.FILE, within_s))
            if self._withdrawn:
                self._lane.abandon(job)
                raise _withdrawn()
            self._job, self._window = job, None
        return self._job


def _withdrawn() -> ScoringError:
    return ScoringError("This request to DNSMOS was withdrawn.")


def _watched(job: MosJob) -> MosJob:
    """Keep a result that nobody fetches from being logged as an exception never retrieved."""

    def look(future: asyncio.Future[Answer[Mos | None]]) -> None:
        if not future.cancelled() and (error := future.exception()) is not None:
            log.warning("DNSMOS gave no result: %s", error)

    job.future.add_done_callback(look)
    return job
