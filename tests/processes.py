"""Other processes on the database of a test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from server.live.clock import LoopClock
from server.store.database import Database, Where
from server.store.health import StoreHealth
from server.store.presence import open_process
from server.store.processes import Process
from server.store.repeats import StoredRepeats
from server.store.session_writer import SessionWriter


@asynccontextmanager
async def living(database: Database, where: Where, process_id: str | None = None) -> AsyncIterator[Process]:
    """One that lives while the block runs: its end is all that others see of a SIGKILL."""
    async with open_process(database, where if isinstance(where, Path) else None, process_id) as process:
        yield process


def writer_of(database: Database, process: Process) -> SessionWriter:
    """That writes when it is told to."""
    return SessionWriter(database, process.id, LoopClock(), StoreHealth(), 1_000_000, lambda session_id: None)


def repeats_of(database: Database, process: Process) -> StoredRepeats:
    return StoredRepeats(database, process, writer_of(database, process))
