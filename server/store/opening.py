"""Everything that is kept in a database, opened together. Without one no database is imported."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from server.access.audit import AuditLog, MemoryAudit
from server.access.keys import KeyStore, MemoryKeys
from server.batches.repeats import MemoryRepeats, RepeatStore
from server.live.announcements import AnnouncementStore
from server.live.checkpoint import CheckpointStore
from server.live.clock import LoopClock
from server.live.limits import LiveLimits
from server.live.outcome import ResultSink
from server.records.ports import RecordStore
from server.records.settings import RecordSettings

if TYPE_CHECKING:
    from server.batches.batch import BatchStore
    from server.store.database import Where
    from server.store.webhooks import WebhookStores


@dataclass(frozen=True, slots=True)
class AccessStores:
    """What outlives the server of who may use it and who did."""

    keys: KeyStore
    audit: AuditLog


@dataclass(frozen=True, slots=True)
class ServerStores:
    """What outlives a process that serves. All but ``access``: ``None`` where nothing lasts."""

    access: AccessStores
    checkpoints: CheckpointStore | None = None
    results: ResultSink | None = None
    announced: AnnouncementStore | None = None
    records: RecordStore | None = None
    webhooks: "WebhookStores | None" = None
    batches: "BatchStore | None" = None
    repeats: RepeatStore = field(default_factory=MemoryRepeats)


@asynccontextmanager
async def open_access(where: "Where | None") -> AsyncIterator[AccessStores]:
    """Keys and audit of a database; without one there are no keys. Raises SettingsError if it cannot be used."""
    if where is None:
        yield AccessStores(MemoryKeys(), MemoryAudit())
        return
    from server.store.audit import StoredAudit  # noqa: PLC0415 - see above
    from server.store.database import open_database  # noqa: PLC0415 - see above
    from server.store.keys import StoredKeys  # noqa: PLC0415 - see above

    async with open_database(where) as database:
        yield AccessStores(StoredKeys(database), StoredAudit(database))


@asynccontextmanager
async def open_stores(
    where: "Where | None", data_dir: Path | None, limits: LiveLimits, keeping: RecordSettings | None = None
) -> AsyncIterator[ServerStores]:
    """Everything; without a database, sessions last as long as this process. ``data_dir``: where files of batches lie;
    without it there are none. ``keeping``: which results are kept, and for how long. Raises SettingsError, StoreError.
    """
    if where is None:
        yield ServerStores(AccessStores(MemoryKeys(), MemoryAudit()))
        return
    from server.store.audit import StoredAudit  # noqa: PLC0415 - see above
    from server.store.batches import StoredBatches  # noqa: PLC0415 - see above
    from server.store.database import open_database  # noqa: PLC0415 - see above
    from server.store.keys import StoredKeys  # noqa: PLC0415 - see above
    from server.store.presence import place_of  # noqa: PLC0415 - see above
    from server.store.records import open_records  # noqa: PLC0415 - see above
    from server.store.repeats import open_repeats  # noqa: PLC0415 - see above
    from server.store.sessions import open_sessions  # noqa: PLC0415 - see above
    from server.store.webhooks import WebhookStores  # noqa: PLC0415 - see above

    clock, keeping = LoopClock(), keeping or RecordSettings()
    keep = keeping.keep == "results"
    async with (
        open_database(where) as database,
        open_sessions(database, data_dir, clock, limits, keep=keep) as (checkpoints, results, announced, lock),
        open_records(
            database, checkpoints.writer if keep else None, clock, keeping.retain_days, checkpoints.forget_result
        ) as records,
        open_repeats(database, lock, checkpoints.writer, clock) as repeats,
    ):
        access = AccessStores(StoredKeys(database), StoredAudit(database))
        yield ServerStores(
            access,
            checkpoints,
            results,
            announced,
            records=records,
            webhooks=WebhookStores.of(database, lock, checkpoints.writer),
            batches=None
            if data_dir is None
            else StoredBatches(database, lock, keep=keep, place=place_of(database, data_dir)),
            repeats=repeats,
        )
