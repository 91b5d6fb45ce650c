"""Memory that was freed, given back to the system. The C library keeps it for what may be asked for next."""

import asyncio
import ctypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

EVERY_S = 60.0


def trim_heap() -> None:
    """Give back whatever pages hold nothing any more. Does nothing where the C library has no ``malloc_trim`` (glibc).

    Takes some 10 ms for 300 MB, in which threads that ask for memory wait.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@asynccontextmanager
async def trimmed_heap(every_s: float = EVERY_S) -> AsyncIterator[None]:
    """Trims at once and each ``every_s`` while the block runs, on a thread of its own.

    At once, since models leave more behind when they are opened (reading one takes three times its weights) than all
    that follows.
    """
    trimming = asyncio.create_task(_trim_again_and_again(every_s), name="heap")
    try:
        yield
    finally:
        trimming.cancel()
        await asyncio.wait({trimming})


async def _trim_again_and_again(every_s: float) -> None:
    while True:
        await asyncio.to_thread(trim_heap)
        await asyncio.sleep(every_s)
