"""What another process needs to continue a session, and the port to the store that keeps it."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, SupportsBytes

from pydantic import BaseModel

from server.assessment.window_log import LoggedWindows, WindowLog
from server.errors import SnapshotError
from server.judge.rules import Match
from server.values.stored import read_json

VERSION = 11
"""Increased with every change of what a checkpoint holds, that of the assessment's own version among them: another
version is refused before its session is taken from the process that can go on with it."""


@dataclass(frozen=True, slots=True)
class SessionCheckpoint:
    """Made with each judged update, so it copies nothing that grows: rows of the log never change and are shared.

    ``core``: StreamCore's snapshot, which is packed when its bytes are asked for, or ``None`` before the first window.
    ``log``: the judged windows. ``state``: everything else, JSON-able with ``plain`` as json's default. No PCM in any,
    and of the resume token only its digest. ``passes``: which labels pass so far, and ``matches``: which live rules
    matched, for those who are told; these two are not kept, the matches are in ``state``. ``state`` has voiceprints and
    whose visit it is: no representation shows it.
    """

    core: SupportsBytes | None = field(repr=False)
    log: LoggedWindows = field(repr=False)
    state: dict[str, Any] = field(repr=False)
    passes: Mapping[str, bool] = field(default_factory=dict, compare=False)
    matches: tuple[Match, ...] = field(default=(), compare=False)

    @property
    def site(self) -> str:
        """Whose session it is."""
        return str(self.state["site"])

    @property
    def resume_digest(self) -> str:
        """SHA-256 of the resume token."""
        return str(self.state["resume_digest"])

    def to_bytes(self) -> bytes:
        """JSON, UTF-8; about 0.8 kB per window plus 90 kB, and 52 kB with a denoiser."""
        core = None if self.core is None else base64.b64encode(bytes(self.core)).decode()
        written = {"version": VERSION, "core": core, "log": WindowLog.of(self.log).snapshot(), "state": self.state}
        return json.dumps(written, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=plain).encode()

    @classmethod
    def of_bytes(cls, data: bytes) -> Self:
        """Raises SnapshotError for bytes that ``to_bytes`` did not write, or of another version."""
        try:
            written = read_json(data)
            if written["version"] != VERSION:
                raise SnapshotError(f"This checkpoint has version {written['version']!r}; this server reads {VERSION}.")
            log = WindowLog()
            log.restore(written["log"])
            core = None if written["core"] is None else base64.b64decode(written["core"], validate=True)
            return cls(core, log.windows(), dict(written["state"]))
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
            raise SnapshotError(f"The checkpoint cannot be read: {error}.") from error


def plain(value: Any) -> Any:
    """json's ``default``: a message of the state becomes JSON values only when the checkpoint is written."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} in a checkpoint")


class Holder(Protocol):
    """The sessions of this process, as a store that several processes share sees them."""

    def give_up(self, session_id: str) -> None:
        """Another process asks for this session: let go of it, by ``leave``."""
        ...

    def lost(self, session_id: str) -> None:
        """Another process has taken this session: it must not go on here, and nothing of it is kept."""
        ...

    def take_in(self, session_id: str) -> None:
        """Nobody came back to this session, and no process has it: it is to be concluded here."""
        ...


class CheckpointStore(Protocol):
    """The latest checkpoint of each running session, and which process has it. Each process has a store of its own;
    what they keep may be shared."""

    @property
    def lasting(self) -> bool:
        """Whether another process can go on from what is put now."""
        ...

    def serve(self, holder: Holder) -> None:
        """``holder`` is told from now on. Call once, before the first session."""
        ...

    async def put(self, session_id: str, checkpoint: SessionCheckpoint, *, at_once: bool = False) -> None:
        """Replace the previous one. A store outside this process may write a little later, and then only the newest;
        ``at_once``: return when it is written. Never fails because others cannot be reached."""
        ...

    async def get(self, session_id: str, site: str | None = None) -> SessionCheckpoint | None:
        """The latest one, or None. ``site``: who asks; what is known to be another's is None, after the same work.
        Raises SnapshotError if it cannot be read here, StoreError."""
        ...

    async def site_of(self, session_id: str) -> str | None:
        """Whose running session it is, whichever process has it; None if it is unknown, has ended, or cannot be read
        here. Raises StoreError."""
        ...

    async def holds(self, session_id: str) -> bool:
        """False once another process took the session from this one. Raises StoreError."""
        ...

    async def take(self, session_id: str) -> SessionCheckpoint | None:
        """The session is this process's from now on. Another one that has it is asked to let go, and loses it if it
        does not answer. Only for the patient who returns, or if ``take_in`` asked. ``None``: it has ended.

        Raises SnapshotError, StoreError.
        """
        ...

    async def leave(self, session_id: str) -> None:
        """Write what was put last; then any process may take the session."""
        ...

    async def delete(self, session_id: str) -> None:
        """The session has ended. An unknown session is ignored."""
        ...


class MemoryCheckpoints:
    """In this process. Bounded by the running sessions: each has one, and its end deletes it."""

    lasting = False

    def __init__(self) -> None:
        self._checkpoints: dict[str, SessionCheckpoint] = {}

    def __len__(self) -> int:
        return len(self._checkpoints)

    def serve(self, holder: Holder) -> None:
        """Nobody else has the sessions: the holder is never told."""

    async def put(self, session_id: str, checkpoint: SessionCheckpoint, *, at_once: bool = False) -> None:
        """Replace the previous one."""
        self._checkpoints[session_id] = checkpoint

    async def get(self, session_id: str, site: str | None = None) -> SessionCheckpoint | None:
        """The same object that was put, or None."""
        found = self._checkpoints.get(session_id)
        return found if found is None or site in (None, found.site) else None

    async def site_of(self, session_id: str) -> str | None:
        """The site, or None."""
        checkpoint = self._checkpoints.get(session_id)
        return None if checkpoint is None else checkpoint.site

    async def holds(self, session_id: str) -> bool:
        """Always."""
        return True

    async def take(self, session_id: str) -> SessionCheckpoint | None:
        """As ``get``."""
        return self._checkpoints.get(session_id)

    async def leave(self, session_id: str) -> None:
        """No effect."""

    async def delete(self, session_id: str) -> None:
        """No effect for an unknown session."""
        self._checkpoints.pop(session_id, None)
