"""Buffers with sample indices. Each is allocated once; nothing is allocated per chunk."""

import numpy as np

from server.values.audio import Float32Array


class Ring:
    """The last ``capacity`` items of a stream, float32, addressed by their index in the stream.

    An item is a scalar, or a row where ``width`` is given. Writing beyond the capacity replaces the oldest.
    """

    def __init__(self, capacity: int, width: int | None = None, *, start: int = 0) -> None:
        """An empty ring whose first item will have the index ``start``; items before it read as zeros."""
        self._items = np.zeros((capacity,) if width is None else (capacity, width), np.float32)
        self._capacity = capacity
        self.end = start

    def write(self, items: Float32Array) -> None:
        """Append ``items``, at most ``capacity`` of them, shape ``(n,)`` or ``(n, width)``."""
        n = items.shape[0]
        assert n <= self._capacity, (n, self._capacity)
        at = self.end % self._capacity
        head = min(n, self._capacity - at)
        self._items[at : at + head] = items[:head]
        self._items[: n - head] = items[head:]
        self.end += n

    def read(self, start: int, end: int) -> Float32Array:
        """A read-only contiguous copy of ``[start, end)``, which must lie within the last ``capacity`` items."""
        assert max(0, self.end - self._capacity) <= start <= end <= self.end, (start, end, self.end)
        at = start % self._capacity
        head = min(end - start, self._capacity - at)
        out = np.empty((end - start, *self._items.shape[1:]), np.float32)
        out[:head] = self._items[at : at + head]
        out[head:] = self._items[: end - start - head]
        out.flags.writeable = False
        return out

    def forget(self, end: int) -> None:
        """Set all items to zero; the next index is ``end``."""
        self._items.fill(0.0)
        self.end = end


class InputBuffer:
    """The newest input-rate samples, contiguous, addressed by index; reading gives views, not copies."""

    def __init__(self, capacity: int, *, start: int = 0) -> None:
        self._samples = np.zeros(capacity, np.float32)
        self._base = start
        self.end = start

    def append(self, samples: Float32Array, keep_from: int) -> None:
        """Append ``samples``; everything before ``keep_from`` may be forgotten. The rest must fit the capacity."""
        used = self.end - self._base
        if used + samples.shape[0] > self._samples.shape[0]:
            drop = min(max(keep_from - self._base, 0), used)
            kept = used - drop
            assert kept + samples.shape[0] <= self._samples.shape[0], "the buffer holds a hop and what is not resampled"
            self._samples[:kept] = self._samples[drop:used]
            self._base += drop
            used = kept
        self._samples[used : used + samples.shape[0]] = samples
        self.end += samples.shape[0]

    def view(self, start: int, end: int) -> Float32Array:
        """Samples ``[start, end)`` as a view that holds until the next ``append``."""
        assert self._base <= start <= end <= self.end, (self._base, start, end, self.end)
        return self._samples[start - self._base : end - self._base]

    def shift(self, samples: int) -> None:
        """Move all indices on by ``samples``: the same silence, later."""
        self._base += samples
        self.end += samples
