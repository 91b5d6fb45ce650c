"""Acknowledgements of the audio that was taken, and always one for the last of it."""

from collections.abc import Callable

from server.live.clock import Clock, Timer
from server.live.session import Session
from server.wire.server import AudioAck

PACED_EVERY_S = 1.0
"""A microphone waits for no room: each message costs the loop a write."""

ROOM_EVERY_S = 0.2
"""A client that sends as fast as it may, waits for room."""


class Acks:
    """``taken``: how many samples were taken so far. ``close`` once; nothing is acknowledged later. ``paced``: whether
    audio comes as it is captured.

    A client that waits for room sends nothing until it is told, so what was taken must not wait for the next chunk.
    """

    def __init__(self, session: Session, clock: Clock, taken: Callable[[], int], *, paced: bool) -> None:
        self.paced = paced
        self._session = session
        self._clock = clock
        self._taken = taken
        self._told_at = clock.now()
        self._timer: Timer | None = None

    def due(self) -> None:
        """Audio was taken: tell now, or when it is time."""
        left_s = self._told_at + (PACED_EVERY_S if self.paced else ROOM_EVERY_S) - self._clock.now()
        if left_s <= 0:
            self.tell()
        elif self._timer is None:
            self._timer = self._clock.call_later(left_s, self.tell)

    def tell(self) -> None:
        """Tell now."""
        self.close()
        self._told_at = self._clock.now()
        self._session.tell(AudioAck(samples=self._taken()), key="ack", to="patient")

    def close(self) -> None:
        """Tell nothing more of its own accord."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
