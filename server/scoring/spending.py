"""What one piece of work costs in CPU, on whichever of our threads it is done, and what it may cost at most.

``Spending.current`` is inherited by the tasks and worker threads (``asyncio.to_thread``) that the work starts; lanes
count what they do for its requests. Where nobody set one, nothing is counted.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ClassVar, ParamSpec, TypeVar

from server.errors import TooCostlyError

P = ParamSpec("P")
R = TypeVar("R")


class Spending:
    """``limit_s``: CPU seconds, of all threads together. Counts may come from any thread; one may be lost, rarely."""

    current: ClassVar[ContextVar["Spending | None"]] = ContextVar("spending", default=None)

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self.spent_s = 0.0

    def check(self) -> None:
        """Raises TooCostlyError once more was spent than may be."""
        if self.spent_s > self.limit_s:
            raise TooCostlyError(
                "Judging this recording takes more computing time than a file of its size may take. "
                "Send it in parts, without its long stretches of silence or tones.",
                param="file",
            )

    @contextmanager
    def limiting(self) -> Iterator[None]:
        """What is done within counts."""
        token = self.current.set(self)
        try:
            yield
        finally:
            self.current.reset(token)


def check_spending() -> None:
    """Raises TooCostlyError if the current work has spent more than it may."""
    if (spending := Spending.current.get()) is not None:
        spending.check()


@contextmanager
def counted() -> Iterator[None]:
    """CPU time of this thread within the block, which must not await, is the current work's."""
    spending = Spending.current.get()
    if spending is None:
        yield
        return
    began = time.thread_time()
    try:
        yield
    finally:
        spending.spent_s += time.thread_time() - began


def counting(function: Callable[P, R]) -> Callable[P, R]:
    """``function``, whose CPU time is the work's that calls it."""

    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        with counted():
            return function(*args, **kwargs)

    return called
