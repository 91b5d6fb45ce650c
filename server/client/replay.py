"""The client's side of resume, sans-IO: keeps what was sent until the server can no longer ask for it.

Time is a sample index of the declared rate. No socket, no clock.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

KEEP_S = 20
"""Seconds of audio kept, acknowledged or not: a server asks for the 10 s before its last snapshot
(docs/protocol.md).
"""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the stream: PCM bytes, or ``data`` = ``None`` for samples that were lost (``audio.gap``)."""

    start: int
    samples: int
    data: bytes | None

    @property
    def end(self) -> int:
        """Sample index after the last one."""
        return self.start + self.samples

    def before(self, sample: int) -> "Piece":
        """The part of this piece up to ``sample``, which lies inside it."""
        assert self.start < sample < self.end
        kept = sample - self.start
        data = None if self.data is None else self.data[: len(self.data) // self.samples * kept]
        return Piece(self.start, kept, data)

    def after(self, sample: int) -> "Piece":
        """The part of this piece from ``sample`` on, which lies inside it."""
        assert self.start <= sample < self.end
        skipped = sample - self.start
        data = None if self.data is None else self.data[len(self.data) // self.samples * skipped :]
        return Piece(sample, self.samples - skipped, data)


class ReplayBuffer:
    """The last ``keep`` samples of a stream. When full, it drops the oldest piece and replays it as a gap.

    Order of calls: ``append`` each piece as it is sent; ``since`` after a resume.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._pieces: deque[Piece] = deque()
        self.end = 0
        """The next sample to append; everything before it was sent once."""

    def append(self, samples: int, data: bytes | None) -> Piece:
        """Keep a piece that is being sent; ``data`` None is a gap. The oldest pieces are dropped to make room."""
        piece = Piece(self.end, samples, data)
        self._pieces.append(piece)
        self.end += samples
        while self._pieces[0].end <= self.end - self._keep:
            self._pieces.popleft()
        return piece

    def since(self, sample: int) -> Iterator[Piece]:
        """The pieces from ``sample`` (0..``end``) on; audio that was dropped comes first, as one gap."""
        start = self._pieces[0].start if self._pieces else self.end
        if sample < start:
            yield Piece(sample, start - sample, None)
        for piece in tuple(self._pieces):
            if piece.end > sample:
                yield piece if piece.start >= sample else piece.after(sample)
