"""Other processes on the database of a test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from server.store.database import Database, Where
from server.store.presence import open_process
from server.store.processes import Process


@asynccontextmanager
async def living(database: Database, where: Where, process_id: str | None = None) -> AsyncIterator[Process]:
    """One that lives while the block runs: its end is all that others see of a SIGKILL."""
    async with open_process(database, where if isinstance(where, Path) else None, process_id) as process:
        yield process
