"""When the audio of a paced session was due, by the server's clock. Sans-IO; times in seconds."""

SETTLE_S = 10.0
"""Over this time a client that has become slower is believed."""

IDLE = 0.5
"""Part of ``SETTLE_S`` for which nothing waited unread: then what comes late was sent late."""

QUIET_S = 1.0
"""A client that sent nothing for so long stood still; its stream goes on from where it went on."""


class SessionClock:
    """The moment at which each sample was due: the arrival of the first one, and the position of the others.

    Audio that waits unread in a socket is seen by no clock; counted from here, it is late all the same. The earliest
    arrival so far decides, so a client that sends sooner shifts the clock. One whose device runs slow, or that stood
    still, must not look like a slow server for ever: if the server was waiting for audio meanwhile, the clock follows.

    ``restart`` after a pause or a replay, whose audio has no pace: the next chunk begins anew.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._origin: float | None = None
        self._since = self._idle_s = 0.0
        self._earliest = float("inf")

    def restart(self) -> None:
        """What was learned holds no longer."""
        self._origin = None
        self._begin_again(0.0)

    def chunk(self, end_sample: int, arrived: float, idle_s: float) -> None:
        """A chunk up to ``end_sample`` was taken. ``idle_s``: for how long the server waited for it, and was free to
        take it."""
        origin = arrived - end_sample / self._rate
        if self._origin is None:
            self._origin = origin
            self._begin_again(arrived)
            return
        if idle_s > QUIET_S:
            self._origin = min(origin, self._origin + idle_s)
            self._begin_again(arrived)
        self._origin = min(self._origin, origin)
        self._earliest = min(self._earliest, origin)
        self._idle_s += idle_s
        if arrived - self._since >= SETTLE_S:
            if self._idle_s >= IDLE * (arrived - self._since):
                self._origin = self._earliest
            self._begin_again(arrived)

    def due(self, sample: int) -> float | None:
        """When ``sample`` was due; ``None`` before the first chunk."""
        return None if self._origin is None else self._origin + sample / self._rate

    def _begin_again(self, now: float) -> None:
        self._since = now
        self._earliest = float("inf")
        self._idle_s = 0.0
