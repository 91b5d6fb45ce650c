"""Buffers with sample indices."""

import numpy as np

from server.values.audio import Float32Array

SPARE = 0.5
"""A ring has room for so many of its capacities more: it moves once in so many, and a window is a view, not a copy."""


class Ring:
    """The last ``capacity`` items of a stream, float32, addressed by their index in the stream.

    An item is a scalar, or a row where ``width`` is given. What was written is never written again: when the room is
    used up, the newest ``capacity`` items move to fresh memory. So what was read stays as it was, without a copy.
    """

    def __init__(self, capacity: int, width: int | None = None, *, start: int = 0) -> None:
        """An empty ring whose first item will have the index ``start``; items before it read as zeros."""
        self._width = () if width is None else (width,)
        self._capacity = capacity
        self._room = capacity + max(1, int(SPARE * capacity))
        self._clear(start)

    def _clear(self, end: int) -> None:
        self._items = np.zeros((self._room, *self._width), np.float32)
        self._used = self._capacity
        self.end = end

    def write(self, items: Float32Array) -> None:
        """Append ``items``, at most ``capacity`` of them, shape ``(n,)`` or ``(n, width)``."""
        n = items.shape[0]
        assert n <= self._capacity, (n, self._capacity)
        if self._used + n > self._room:
            self._move(self._capacity - n)
        self._items[self._used : self._used + n] = items
        self._used += n
        self.end += n

    def _move(self, kept: int) -> None:
        """To fresh memory, the newest ``kept`` items."""
        fresh = np.empty_like(self._items)
        fresh[:kept] = self._items[self._used - kept : self._used]
        self._items, self._used = fresh, kept

    def read(self, start: int, end: int) -> Float32Array:
        """``[start, end)``, which must lie within the last ``capacity`` items: contiguous, read-only, for as long as
        it is held."""
        assert max(0, self.end - self._capacity) <= start <= end <= self.end, (start, end, self.end)
        out = self._items[self._used - (self.end - start) : self._used - (self.end - end)]
        out.flags.writeable = False
        return out

    def forget(self, end: int) -> None:
        """Set all items to zero; the next index is ``end``."""
        self._clear(end)


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
