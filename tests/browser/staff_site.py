"""A site with results, for the pages of staff."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from server.access.audit import Act, AuditEntry
from server.access.gate import utc_now
from server.access.keys import create_key
from server.access.principal import Role
from server.app import open_access, open_keys
from server.records.kept import KeptRecord, RecordKind, local_day
from server.settings import Settings
from server.store import record_rows
from server.store.database import open_database
from tests.records.builders import id_of, record

T = TypeVar("T")


def ended(number: int, days_ago: int = 0, **given: object) -> KeptRecord:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    return replace(record(number, **given), started_at=at, ended_at=at, day=local_day(at))


RECORDS = [
    ended(1, 1, verdict="re-record", labels={"low_background": False}, doubt=0.02, reference="case 1", prompts_raised=2,
          prompts_followed=1, first_usable_s=14.0),
    ended(2, 1, attempt_of=id_of(1), first_usable_s=4.0),
    ended(3, department="ENT", doubt=0.2, name="b.wav", kind=RecordKind.FILE),
    ended(4, department="ENT", verdict="unusable", labels={"low_background": False}),
    ended(5, 40),
]  # fmt: skip


def filled(data: Path, role: Role = Role.VIEWER) -> str:
    """Puts ``RECORDS`` into the folder; a key of the site with ``role``."""

    async def fill() -> None:
        async with open_database(data) as database, database.writing() as connection:
            await record_rows.add(connection, RECORDS)
        async with open_access(Settings(data_dir=data)) as stores:
            await stores.audit.add(AuditEntry(utc_now(), "key 1", "ward-3", Act.HEARD_BADLY, id_of(1), ""))

    key = made(data, role)
    apart(fill())
    return key


def made(data: Path, role: Role) -> str:
    """A key of the site."""

    async def create() -> str:
        async with open_keys(Settings(data_dir=data)) as store:
            return (await create_key(store, "ward-3", role, utc_now()))[0]

    return apart(create())


def apart(work: Coroutine[Any, Any, T]) -> T:
    """On a thread: this one may run the loop of the browser's driver."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()
