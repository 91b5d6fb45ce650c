"""Who did what, and when: kept for ever, changed by nobody. It holds no content, title, reference or token."""

from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Act(StrEnum):
    """What was done. ``about`` is the session or recording, the key or the signing key; else nothing."""

    SESSION_ANNOUNCED = "session.announced"
    SESSION_SPOKEN = "session.spoken"
    SESSION_OBSERVED = "session.observed"
    SESSION_TRANSCRIBED = "session.transcribed"
    CALL_JOINED = "call.joined"
    HEARD_CLEARLY = "heard.clearly"
    HEARD_BADLY = "heard.badly"
    SESSIONS_LISTED = "sessions.listed"
    PROMPT_SENT = "prompt.sent"
    PROMPT_MUTED = "prompt.muted"
    PAGE_SIGNED_IN = "page.signed_in"
    PAGE_SIGNED_OUT = "page.signed_out"
    RECORDING_ASSESSED = "recording.assessed"
    RECORDS_LISTED = "records.listed"
    RECORDS_EXPORTED = "records.exported"
    RECORDS_IMPORTED = "records.imported"
    RECORDS_PRUNED = "records.pruned"
    RECORD_READ = "record.read"
    RECORD_REVIEWED = "record.reviewed"
    RECORD_DELETED = "record.deleted"
    BATCH_SENT = "batch.sent"
    BATCH_READ = "batch.read"
    BATCH_DELETED = "batch.deleted"
    WEBHOOKS_LISTED = "webhooks.listed"
    WEBHOOKS_REPLAYED = "webhooks.replayed"
    WEBHOOK_ADDED = "webhook.added"
    WEBHOOK_REMOVED = "webhook.removed"
    WEBHOOK_ROTATED = "webhook.rotated"
    WEBHOOK_RESUMED = "webhook.resumed"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    SIGNING_ROTATED = "signing.rotated"
    DATABASE_RESTORED = "database.restored"
    DATABASE_COPIED = "database.copied"
    GUESSES_REFUSED = "guesses.refused"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """``who``: of a principal, or ``operator``. ``address``: empty for what was done at the command line."""

    at: datetime
    who: str
    site: str
    act: Act
    about: str
    address: str


class AuditLog(Protocol):
    """Every method raises StoreError. What cannot be written down is not done."""

    async def add(self, entry: AuditEntry) -> None:
        """Write it down."""
        ...

    async def latest(self, count: int) -> list[AuditEntry]:
        """The last ``count`` entries, the oldest of them first."""
        ...

    async def has_since(self, entry: AuditEntry, since: datetime) -> bool:
        """Whether the same was written down at ``since`` or later, by whichever process."""
        ...


class MemoryAudit:
    """The latest entries of one process, for a server without a data folder."""

    def __init__(self) -> None:
        self._entries: deque[AuditEntry] = deque(maxlen=1000)

    async def add(self, entry: AuditEntry) -> None:
        """See AuditLog."""
        self._entries.append(entry)

    async def has_since(self, entry: AuditEntry, since: datetime) -> bool:
        """See AuditLog."""
        return any(one.at >= since and replace(one, at=entry.at) == entry for one in self._entries)

    async def latest(self, count: int) -> list[AuditEntry]:
        """See AuditLog."""
        return list(self._entries)[-count:]
