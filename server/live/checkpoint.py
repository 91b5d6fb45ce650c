"""What another process needs to continue a session, and the port to the store that keeps it."""

import base64
import json
from dataclasses import dataclass
from typing import Any, Protocol, Self

from server.assessment.window_log import LoggedWindows, WindowLog
from server.errors import SnapshotError
from server.values.stored import read_json

VERSION = 3
"""Increased with every change of what a checkpoint holds; other versions are refused."""


@dataclass(frozen=True, slots=True)
class SessionCheckpoint:
    """Made with each judged update, so it copies nothing that grows: rows of the log never change and are shared.

    ``core``: StreamCore's snapshot, or ``None`` before the first window. ``log``: the judged windows. ``state``:
    everything else, JSON-able. No PCM in any of them.
    """

    core: bytes | None
    log: LoggedWindows
    state: dict[str, Any]

    def to_bytes(self) -> bytes:
        """JSON, UTF-8; about 1 kB per window plus 70 kB."""
        core = None if self.core is None else base64.b64encode(self.core).decode()
        written = {"version": VERSION, "core": core, "log": WindowLog.of(self.log).snapshot(), "state": self.state}
        return json.dumps(written, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()

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


class CheckpointStore(Protocol):
    """The latest checkpoint of each running session, and of no other."""

    async def put(self, session_id: str, checkpoint: SessionCheckpoint) -> None:
        """Replace the previous one. A store in another process takes ``to_bytes``, or only the rows that it lacks."""
        ...

    async def get(self, session_id: str) -> SessionCheckpoint | None:
        """The latest one, or None. Raises SnapshotError if it cannot be read here."""
        ...

    async def delete(self, session_id: str) -> None:
        """The session has ended. An unknown session is ignored."""
        ...


class MemoryCheckpoints:
    """In this process. Bounded by the running sessions: each has one, and its end deletes it."""

    def __init__(self) -> None:
        self._checkpoints: dict[str, SessionCheckpoint] = {}

    def __len__(self) -> int:
        return len(self._checkpoints)

    async def put(self, session_id: str, checkpoint: SessionCheckpoint) -> None:
        """Replace the previous one."""
        self._checkpoints[session_id] = checkpoint

    async def get(self, session_id: str) -> SessionCheckpoint | None:
        """The same object that was put, or None."""
        return self._checkpoints.get(session_id)

    async def delete(self, session_id: str) -> None:
        """No effect for an unknown session."""
        self._checkpoints.pop(session_id, None)
