"""Notices that a scorer's thread died or hangs, says so, and starts another one: soon at first, then ever later."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from server.scoring.jobs import Trouble

log = logging.getLogger(__name__)

EVERY_S = 1.0
HANG_S = 30.0
"""No batch takes so long: those of DNSMOS 0.2 s, on a machine that is many times overloaded some seconds."""

MOST_TRIES = 5
"""A thread that hangs stays until the process ends. After so many in a row, only a restart of the server helps."""

LONGEST_WAIT_S = 60.0
WELL_AFTER_S = 600.0
"""A lane that worked for so long has as many tries as a new one."""


class Guarded(Protocol):
    """A lane, as its guard sees it."""

    name: str
    given_up: bool
    died_of: BaseException | None

    def trouble(self, hang_s: float) -> Trouble | None:
        """What is wrong with its thread."""
        ...

    def restart(self) -> None:
        """Start another thread in its place."""
        ...


@dataclass(slots=True)
class _Watched:
    lane: Guarded
    tries: int = 0
    due: float = 0.0
    known: bool = False
    restarted_at: float = 0.0


class LaneGuard:
    """Call ``look`` every second, or let ``run`` do it. Nothing is concluded from a time in which the loop itself, and
    perhaps the whole process, stood still."""

    def __init__(
        self,
        lanes: Sequence[Guarded],
        *,
        hang_s: float = HANG_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._watched = [_Watched(lane) for lane in lanes]
        self._hang_s = hang_s
        self._clock = clock
        self._looked = clock()
        self._stood_until = float("-inf")

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            self.look()

    def look(self) -> None:
        """Start another thread for each lane in trouble whose turn it is."""
        now, before = self._clock(), self._looked
        self._looked = now
        if now - before > self._hang_s / 2:
            self._stood_until = now
        # A batch that began before the process stood still has its time anew.
        hang_s = self._hang_s if now - self._stood_until > self._hang_s else float("inf")
        for watched in self._watched:
            if not watched.lane.given_up:
                self._tend(watched, now, hang_s)

    def _tend(self, watched: _Watched, now: float, hang_s: float) -> None:
        lane = watched.lane
        trouble = lane.trouble(hang_s)
        if trouble is None:
            watched.known = False
            if watched.tries and now - watched.restarted_at > WELL_AFTER_S:
                watched.tries = 0
            return
        if not watched.known:
            watched.known = True
            watched.due = now + min(LONGEST_WAIT_S, 2.0**watched.tries - 1.0)
            how = "died" if trouble is Trouble.DEAD else "hangs"
            log.error("the thread of the scorer %s %s", lane.name, how, exc_info=lane.died_of)
        if now < watched.due:
            return
        if watched.tries >= MOST_TRIES:
            lane.given_up = True
            log.error("the scorer %s is given up after %d tries; restart the server", lane.name, watched.tries)
            return
        watched.tries += 1
        watched.known = False
        watched.restarted_at = now
        lane.restart()
        log.warning("the scorer %s has another thread (try %d of %d)", lane.name, watched.tries, MOST_TRIES)
