"""Audio that was taken and is not heard yet: in blocks it costs the core half of what it costs chunk by chunk."""

from collections.abc import Callable

from server.stream.core import StreamCore


class Gathering:
    """The chunks since the core last heard something, at most 1 s of them and the last. ``add`` each; when it says so,
    or when what comes next is no audio, ``take`` them and give them to ``core``.

    A block ends where the core has something new to tell: at a level, each 200 ms, or, while the server is ``busy``, at
    a hop, each second. So windows are never later for it, and levels only on a busy server.
    """

    def __init__(self, core: StreamCore, busy: Callable[[], bool]) -> None:
        self.core = core
        self._busy = busy
        self._chunks: list[bytes] = []
        self._bytes = 0

    @property
    def received(self) -> int:
        """Samples so far, those that wait included; during a replay, the position reached."""
        return self.core.samples_with(self._bytes)

    def add(self, data: bytes) -> bool:
        """True: it is time to hear them."""
        self._chunks.append(data)
        self._bytes += len(data)
        return self.received - self.core.samples_received >= self.core.samples_until(hop=self._busy())

    def take(self) -> list[bytes]:
        """The chunks that wait, in order; they wait no longer."""
        taken, self._chunks, self._bytes = self._chunks, [], 0
        return taken
