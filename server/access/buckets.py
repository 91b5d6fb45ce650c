"""Token buckets (ITU-T I.371, leaky bucket as a meter): so many at once, then so many per second.

Sans-IO; times in seconds of a monotonic clock, which the caller reads. docs/decisions say why no library counts here.
"""

from collections import OrderedDict

MAX_NAMES = 10_000
"""Of more names the one that was not heard of for longest is forgotten, and begins with a full bucket."""


class Bucket:
    """Full at ``now`` with ``burst``, at least 1; ``per_s`` come back every second."""

    __slots__ = ("_burst", "_left", "_per_s", "_since")

    def __init__(self, burst: float, per_s: float, now: float) -> None:
        self._burst = burst
        self._per_s = per_s
        self._left = burst
        self._since = now

    def full(self, now: float) -> bool:
        """Whether nothing was taken for so long that all is forgotten."""
        return self._now_left(now) >= self._burst

    def wait_s(self, now: float, amount: float = 1) -> float:
        """Seconds until ``amount``, at most ``burst``, may be taken; 0 for now."""
        return max(0.0, (amount - self._now_left(now)) / self._per_s)

    def take(self, now: float, amount: float = 1) -> None:
        """Take ``amount``, or what is left."""
        self._left = max(0.0, self._now_left(now) - amount)
        self._since = now

    def _now_left(self, now: float) -> float:
        return min(self._burst, self._left + (now - self._since) * self._per_s)


class Buckets:
    """A bucket per name, of at most ``MAX_NAMES`` names."""

    def __init__(self, burst: float, per_s: float) -> None:
        self._burst = burst
        self._per_s = per_s
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def full(self, name: str, now: float) -> bool:
        """Whether ``name`` has taken nothing for so long that all is forgotten."""
        return self._of(name, now).full(now)

    def wait_s(self, name: str, now: float) -> float:
        """Seconds until ``take`` may be called for ``name``; 0 for now."""
        return self._of(name, now).wait_s(now)

    def take(self, name: str, now: float) -> None:
        """Take one, if one is left."""
        bucket = self._buckets[name] = self._of(name, now)
        bucket.take(now)
        self._buckets.move_to_end(name)
        if len(self._buckets) > MAX_NAMES:
            self._buckets.popitem(last=False)

    def _of(self, name: str, now: float) -> Bucket:
        return self._buckets.get(name) or Bucket(self._burst, self._per_s, now)
