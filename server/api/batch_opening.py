"""Opens what batches need, where there is a data folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from server.api.batch_desk import BatchDesk
from server.batches.batch import BatchStore
from server.batches.folder import BatchFolders
from server.batches.process import JudgeKeeper, Judges, keeping
from server.batches.settings import BatchSettings
from server.batches.zips import Limits

MB = 10**6


@asynccontextmanager
async def open_desk(
    store: BatchStore | None, data_dir: Path | None, settings: BatchSettings, max_file: int, retain_days: int
) -> AsyncIterator[BatchDesk | None]:
    """Batches are taken in and judged while the block runs; ``None``: there is no data folder. ``settings``: all of the
    server's; ``max_file``: bytes of one file; ``retain_days``: as of records."""
    if store is None or data_dir is None:
        yield None
        return
    folders = BatchFolders(data_dir)
    keeper = JudgeKeeper(Judges.of(settings, settings.batch_processes), store, folders, timedelta(days=retain_days))
    limits = Limits(settings.max_batch_files, max_file, settings.max_batch_mb * MB)
    async with keeping(keeper):
        most = settings.max_queued_files, settings.max_queued_mb * MB
        yield BatchDesk(store, folders, limits, *most, keeper.wake, lambda: keeper.failing)
