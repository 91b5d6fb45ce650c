"""How this process is known to others that share the database, and where its files lie."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from server.errors import SettingsError
from server.store.database import Database
from server.store.processes import Process, ProcessLock

PLACE = "place"
"""A file of a data folder with its id, beside a database that several folders share."""


@asynccontextmanager
async def open_process(
    database: Database, data_dir: Path | None, process_id: str | None = None
) -> AsyncIterator[Process]:
    """This process counts as alive while the block runs. ``data_dir``: of a database that lies in one; ``process_id``:
    as its parent named it.

    Raises SettingsError if the folder cannot be used, and StoreError.
    """
    if database.url is not None:
        from server.store.postgresql.presence import present  # noqa: PLC0415 - needs the driver

        async with present(database.url, process_id) as presence:
            yield presence
        return
    assert data_dir is not None, "the database lies in it"
    try:
        lock = ProcessLock(data_dir, process_id)
    except OSError as error:
        raise _unusable(data_dir, error) from None
    try:
        yield lock
    finally:
        lock.close()


def place_of(database: Database, data_dir: Path) -> str | None:
    """The id of the folder, where several share the database: files of batches lie in one of them. ``None``: there is
    but one. Raises SettingsError if the folder cannot be used."""
    if database.url is None:
        return None
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = data_dir / PLACE
        with suppress(FileExistsError):
            new = data_dir / f".{PLACE}-{secrets.token_hex(4)}"
            new.write_text(secrets.token_hex(16), encoding="ascii")
            try:
                path.hardlink_to(new)  # whole, or not at all
            finally:
                new.unlink()
        return path.read_text(encoding="ascii").strip()[:32]
    except (OSError, UnicodeError) as error:
        raise _unusable(data_dir, error) from None


def _unusable(data_dir: Path, error: Exception) -> SettingsError:
    why = getattr(error, "strerror", None) or str(error)
    return SettingsError(f"--data-dir: {data_dir} cannot be used: {why}.", param="--data-dir")
