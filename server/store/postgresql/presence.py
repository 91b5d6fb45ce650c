"""Which processes that share a PostgreSQL database are alive, on whichever machine: each holds an advisory lock on a
connection of its own, which the server takes back when that connection ends."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from time import monotonic

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from server.errors import StoreError
from server.store.locking import key_of
from server.store.postgresql.connecting import FAILURES, connect_or_fail
from server.store.postgresql.url import DatabaseUrl
from server.store.processes import new_id

log = logging.getLogger(__name__)

GRACE_S = 10.0
"""After the server of the database began anew, or this process lost its lock: until then nobody counts as dead, because
all come back one by one."""

AGAIN_S = 0.5
"""From one try to have the lock again to the next."""

LOOK_S = 5.0
"""From one look whether the connection still answers to the next. One that ends is noticed at once."""

HOLD = "SELECT pg_try_advisory_lock($1)"
ALIVE = text(
    "SELECT ((classid::bigint << 32) | objid::bigint) AS key, "
    "extract(epoch FROM clock_timestamp() - pg_postmaster_start_time()) < :grace_s AS young "
    "FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "UNION ALL SELECT NULL, extract(epoch FROM clock_timestamp() - pg_postmaster_start_time()) < :grace_s"
)
"""The last row is there without a lock too."""

ANYONE = """
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


class Presence:
    """A ``Process``. ``run`` in a task: a lock that was lost with its connection is taken again."""

    def __init__(self, url: DatabaseUrl, process_id: str | None = None) -> None:
        self.id = process_id or new_id()
        self._url = url
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._ended = asyncio.Event()
        self._steady_from = 0.0

    async def begin(self) -> None:
        """Take the lock. Raises StoreError."""
        connection = await connect_or_fail(self._url)
        try:
            if not await connection.fetchval(HOLD, _key(self.id)):
                raise StoreError("Another process has the same id.", retry_after_s=5.0)
        except BaseException as error:
            connection.terminate()
            if isinstance(error, FAILURES):
                raise StoreError("The database does not answer; try again.", retry_after_s=5.0) from error
            raise
        self._ended.clear()
        connection.add_termination_listener(lambda _: self._ended.set())
        self._connection = connection

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._ended.wait()
            if not await self._answers():
                self._steady_from = float("inf")
                log.warning("the connection by which others see this process has ended; it is made anew")
                await self._again()
                self._steady_from = monotonic() + GRACE_S

    async def _answers(self) -> bool:
        assert self._connection is not None, "begin comes first"
        if self._ended.is_set() or self._connection.is_closed():
            return False
        try:
            await self._connection.execute("SELECT 1", timeout=LOOK_S)
        except FAILURES:
            self._connection.terminate()
            return False
        return True

    async def _again(self) -> None:
        """The former connection may hold the lock for a while, on the server's side: so long this process lives."""
        while True:
            with suppress(StoreError):
                return await self.begin()
            await asyncio.sleep(AGAIN_S)

    async def dead(self, connection: AsyncConnection, owners: Collection[str]) -> set[str]:
        """See Process."""
        others = {owner: _key(owner) for owner in owners if owner != self.id}
        if not others or monotonic() < self._steady_from:
            return set()
        rows = (await connection.execute(ALIVE, {"grace_s": GRACE_S})).all()
        if any(row.young for row in rows):
            return set()
        alive = {_signed(row.key) for row in rows if row.key is not None}
        if _key(self.id) not in alive:  # another server answers, or this process's lock is gone: so may be all others'
            return set()
        return {owner for owner, key in others.items() if key not in alive}

    def sweep(self) -> None:
        """See Process: the server forgets by itself."""

    async def end(self) -> None:
        """This process has nothing any more."""
        if self._connection is not None:
            with suppress(*FAILURES):
                await self._connection.close(timeout=AGAIN_S)


async def anyone_present(url: DatabaseUrl) -> bool:
    """Whether a process has this database open. Raises StoreError."""
    connection = await connect_or_fail(url)
    try:
        return bool(await connection.fetchval(ANYONE))
    except FAILURES as error:
        raise StoreError("The database does not answer; try again.", retry_after_s=5.0) from error
    finally:
        connection.terminate()


def _key(process_id: str) -> int:
    return key_of(f"process {process_id}")


def _signed(key: int) -> int:
    return key - (1 << 64) if key >= 1 << 63 else key


@asynccontextmanager
async def present(url: DatabaseUrl, process_id: str | None = None) -> AsyncIterator[Presence]:
    """This process counts as alive while the block runs. Raises StoreError."""
    presence = Presence(url, process_id)
    await presence.begin()
    try:
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(presence.run(), name="presence")
            try:
                yield presence
            finally:
                keeping.cancel()
    finally:
        await presence.end()
