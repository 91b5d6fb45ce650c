"""Worker threads that own what they read until they are done."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from server.scoring.spending import counting

P = ParamSpec("P")
R = TypeVar("R")


async def to_thread_until_done(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """``asyncio.to_thread``, but a cancellation takes effect only when the thread is done.

    A thread cannot be stopped, but this way a file can be closed after the cancellation because nothing reads it any
    more. For steps of bounded length: a header, a second of audio. What it takes counts as the caller's
    spending (server.scoring.spending).
    """
    working = asyncio.create_task(asyncio.to_thread(counting(function), *args, **kwargs))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await _end_of(working)
        raise


async def _end_of(working: "asyncio.Task[R]") -> None:
    """Wait for a task even if the caller is cancelled meanwhile; the task's result or error is dropped."""
    while not working.done():
        try:
            await asyncio.wait({working})
        except asyncio.CancelledError:
            continue
    working.cancelled() or working.exception()
