"""What one process grants its sessions."""

from dataclasses import dataclass

from server.wire.base import MAX_FRAME_BYTES
from server.wire.started import Limits


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """Deadlines in seconds, counts per process.

    ``max_sessions`` patients at once; patients who come back to their session are admitted beyond it.
    ``max_sessions_per_site``: of these, patients of one site; ``max_sessions_per_address``: of these, with a
    patient's socket from one address; ``None``: as many as there may be. ``share``: of
    ``max_sessions`` in this process, where several have them together; ``None``: all.
    ``max_starting_per_address``: sockets of one address that have not begun a session. ``start_s``: for the first
    message. ``idle_s``: without audio; ``pause_s``: when paused. ``send_s``: for a peer to take one message;
    ``port_s``: for a sink or a store to answer. ``tail_s``: for the last windows after ``session.end``
    (``fast_tail_s`` for ``pace=fast``, which promises to score every window). ``claim_s``: how long an announced
    session waits for its first socket. ``resume_ttl_s``: how long a session waits for its patient, and how long an
    ended one can be observed; ``max_ended_bytes`` of results are kept for that. ``max_session_s``: of audio or of wall
    time; the patient is warned ``expiring_s`` before its end. ``outbox``: control messages that may wait for one
    socket.
    """

    max_sessions: int = 64
    max_sessions_per_site: int | None = None
    max_sessions_per_address: int | None = None
    share: int | None = None
    max_observers: int = 32
    max_starting_per_address: int = 32
    max_session_s: float = 7200.0
    expiring_s: float = 60.0
    start_s: float = 10.0
    idle_s: float = 60.0
    pause_s: float = 900.0
    send_s: float = 10.0
    port_s: float = 5.0
    heartbeat_s: float = 0.9
    tail_s: float = 5.0
    fast_tail_s: float = 30.0
    claim_s: float = 900.0
    resume_ttl_s: float = 120.0
    max_ended_bytes: int = 64 * 1024 * 1024
    max_frame_bytes: int = MAX_FRAME_BYTES
    outbox: int = 256
    retry_after_s: float = 30.0

    @property
    def sessions_here(self) -> int:
        """Patients at once in this process."""
        return self.max_sessions if self.share is None else self.share

    def on_wire(self) -> Limits:
        """The limits that a client must know."""
        return Limits(
            max_frame_bytes=self.max_frame_bytes,
            max_session_s=self.max_session_s,
            idle_timeout_s=self.idle_s,
            pause_timeout_s=self.pause_s,
            resume_ttl_s=self.resume_ttl_s,
        )
