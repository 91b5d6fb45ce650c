"""Processes that this one has begun, ended for sure."""

import asyncio
from contextlib import suppress


async def ended(process: asyncio.subprocess.Process) -> None:
    """Kill ``process``, if it runs, and wait until it is gone, also where the caller is cancelled meanwhile: a loop
    that is closed before leaves it behind, with its pipes. Then the cancellation takes effect."""
    with suppress(ProcessLookupError):
        process.kill()
    gone = asyncio.create_task(process.wait())
    cancelled: asyncio.CancelledError | None = None
    while not gone.done():
        try:
            await asyncio.wait({gone})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
