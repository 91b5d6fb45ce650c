"""Where the far end speaks in a recording that is sent live, sans-IO. Time is a sample index of the recording."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from server.client.replay import Piece


class FarEndMarks:
    """``spans``: half-open stretches in which the far end speaks, in order and apart."""

    def __init__(self, spans: Sequence[tuple[int, int]] = ()) -> None:
        spans = [span for span in spans if span[1] > span[0]]
        self._changes = [at for span in spans for at in span]
        self._starts = {start for start, _ in spans}
        self._ends = {end for _, end in spans}

    def speaking_at(self, sample: int) -> bool:
        """Whether the far end has spoken since before ``sample`` and still does."""
        return bisect_right(self._changes, sample - 1) % 2 == 1

    def change_at(self, sample: int) -> bool | None:
        """``True`` where the far end starts, ``False`` where it stops, ``None`` elsewhere."""
        if sample in self._starts:
            return True
        return False if sample in self._ends else None

    def cut(self, chunks: Iterable[tuple[int, bytes | None]]) -> Iterator[Piece]:
        """``chunks`` from sample 0 on, cut where the far end starts or stops."""
        start = 0
        for samples, data in chunks:
            piece = Piece(start, samples, data)
            start = piece.end
            first = bisect_right(self._changes, piece.start)
            for at in self._changes[first : bisect_right(self._changes, piece.end - 1)]:
                yield piece.before(at)
                piece = piece.after(at)
            yield piece


NO_MARKS = FarEndMarks()
