"""Who watches which batch: so many at a time, with one question to the database for all who watch the same."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from server.access.principal import Principal
from server.batches.batch import Batch, BatchStore
from server.errors import CapacityError, StoreError

log = logging.getLogger(__name__)

LOOK_S = 0.5
MOST_OF_CALLER, MOST_OF_BATCH = 16, 32
RETRY_AFTER_S = 10.0


class Watch:
    """Of one batch. ``batch``: as it was last seen; ``None``: it was deleted. ``failed``: the database does not
    answer."""

    def __init__(self, store: BatchStore, batch: Batch) -> None:
        self.batch: Batch | None = batch
        self.failed = False
        self.watchers = 0
        self._store = store
        self._batch = batch
        self._looked = asyncio.Condition()
        self._task = asyncio.create_task(self._look(), name="batch watch")

    async def next(self) -> None:
        """Wait until it was looked at once more."""
        async with self._looked:
            await self._looked.wait()

    async def end(self) -> None:
        """Nobody watches any more."""
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                self.batch = await self._store.find(self._batch.site, self._batch.id)
                self.failed = False
            except StoreError:
                self.failed = True
            except Exception:  # whoever waits must be told that nothing comes
                log.exception("a batch cannot be watched")
                self.failed = True
            async with self._looked:
                self._looked.notify_all()


class Watches:
    """Of a process."""

    def __init__(self) -> None:
        self._callers: Counter[tuple[str, str]] = Counter()
        self._batches: dict[str, Watch] = {}

    def check(self, caller: Principal, batch: Batch) -> None:
        """Raises CapacityError if ``caller``, or all together, watch as much as they may."""
        watch = self._batches.get(batch.id)
        if self._callers[_key(caller)] >= MOST_OF_CALLER or (watch is not None and watch.watchers >= MOST_OF_BATCH):
            raise CapacityError(
                "Too many event streams are open. Close some, or ask GET /v1/batches/{id} now and then.",
                zh="同时打开的进度流太多。请关闭一些，或定时查询 GET /v1/batches/{id}。",
                retry_after_s=RETRY_AFTER_S,
            )

    @asynccontextmanager
    async def watching(self, store: BatchStore, caller: Principal, batch: Batch) -> AsyncIterator[Watch]:
        """Raises CapacityError as ``check``."""
        self.check(caller, batch)
        watch = self._batches.get(batch.id)
        if watch is None:
            watch = self._batches[batch.id] = Watch(store, batch)
        watch.watchers += 1
        self._callers[_key(caller)] += 1
        try:
            yield watch
        finally:
            self._callers[_key(caller)] -= 1
            self._callers = +self._callers  # no caller is remembered for ever
            watch.watchers -= 1
            if not watch.watchers:
                del self._batches[batch.id]
                await watch.end()


def _key(caller: Principal) -> tuple[str, str]:
    return caller.site, caller.key_id or caller.who
