"""A session as another process would go on with it, and the port under which it is kept."""

import base64
import json
from dataclasses import dataclass
from typing import Any, Protocol, Self

from server.assessment.window_log import LoggedWindows, WindowLog
from server.errors import SnapshotError

VERSION = 1
"""Raised with every change of what a checkpoint holds; another version is refused."""


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
        """JSON, UTF-8; about 1 kB for each window and 70 kB beside them."""
        core = None if self.core is None else base64.b64encode(self.core).decode()
        written = {"version": VERSION, "core": core, "log": WindowLog.of(self.log).snapshot(), "state": self.state}
        return json.dumps(written, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()

    @classmethod
    def of_bytes(cls, data: bytes) -> Self:
        """Raises SnapshotError for what ``to_bytes`` did not write, or of another version."""
        try:
            written = json.loads(data)
            if written["version"] != VERSION:
                raise SnapshotError(f"This checkpoint has version {written['version']!r}; this server reads {VERSION}.")
            log = WindowLog()
            log.restore(written["log"])
            core = None if written["core"] is None else base64.b64decode(written["core"], validate=True)
            return cls(core, log.windows(), dict(written["state"]))
        except (ValueError, KeyError, TypeError) as error:
            raise SnapshotError(f"The checkpoint cannot be read: {error}.") from error


class CheckpointStore(Protocol):
    """The latest checkpoint of each session that goes on, and of no other."""

    async def put(self, session_id: str, checkpoint: SessionCheckpoint) -> None:
        """Replaces the one before. A store in another process takes ``to_bytes``, or only the rows it has not got."""
        ...

    async def get(self, session_id: str) -> SessionCheckpoint | None:
        """The latest one, or None where none was put or it was deleted. Raises SnapshotError for one that cannot be
        read here.
        """
        ...

    async def delete(self, session_id: str) -> None:
        """The session has ended. One that is not known is ignored."""
        ...


class MemoryCheckpoints:
    """In this process. Bounded by the sessions that go on: each has one, and its end deletes it."""

    def __init__(self) -> None:
        self._checkpoints: dict[str, SessionCheckpoint] = {}

    def __len__(self) -> int:
        return len(self._checkpoints)

    async def put(self, session_id: str, checkpoint: SessionCheckpoint) -> None:
        """Replaces the one before it."""
        self._checkpoints[session_id] = checkpoint

    async def get(self, session_id: str) -> SessionCheckpoint | None:
        """The very object that was put, or None."""
        return self._checkpoints.get(session_id)

    async def delete(self, session_id: str) -> None:
        """Nothing happens where there is none."""
        self._checkpoints.pop(session_id, None)
