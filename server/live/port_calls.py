"""Calls of a sink or a store, which may be in another process, each with a deadline."""

import logging
from collections.abc import Awaitable
from typing import TypeVar

from server.errors import TingqingError
from server.live.clock import Clock, deadline
from server.live.handshake import capacity_error
from server.live.limits import LiveLimits

log = logging.getLogger(__name__)

T = TypeVar("T")


class PortCalls:
    """Within ``port_s`` by ``clock``."""

    def __init__(self, clock: Clock, limits: LiveLimits) -> None:
        self._clock = clock
        self._limits = limits

    async def ask(self, question: Awaitable[T]) -> T:
        """The answer. Raises CapacityError if none comes in time, and whatever the port raises."""
        try:
            async with deadline(self._clock, self._limits.port_s):
                return await question
        except TimeoutError:
            raise capacity_error(self._limits) from None

    async def unless_denied(self, question: Awaitable[bool]) -> bool:
        """False only if the answer is; a port that fails or hangs denies nothing."""
        try:
            return await self.ask(question)
        except TingqingError:
            return True

    async def tell(self, news: Awaitable[None], failure: str) -> None:
        """A port that fails or hangs is logged as ``failure``; the caller continues."""
        try:
            async with deadline(self._clock, self._limits.port_s):
                await news
        except TimeoutError:
            log.error("%s: no answer within %g s", failure, self._limits.port_s)
        except (TingqingError, OSError) as error:  # the other end is gone, or refuses: our stack says nothing of it
            log.error("%s: %s", failure, error)
        except Exception:
            log.exception(failure)
