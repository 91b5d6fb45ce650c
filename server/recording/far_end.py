"""Where the far end speaks in its own track: a channel of the recording, or a file recorded beside it."""

from collections.abc import Iterator, Sequence
from typing import assert_never

import numpy as np
import numpy.typing as npt

from server.recording.decode import Gap, Recording
from server.recording.silence import Silence, gathered
from server.stream.core import StreamCore
from server.stream.events import Level, SpeechStarted, SpeechStopped, StreamEvent, WindowReady
from server.values.audio import Float32Array

CELL_S = 0.2
"""The core tells five levels a second."""

WITHIN_DB = 25.0
"""Speech this far under the loud parts of the far end's own track is somebody else, heard through."""
LEAKED_DB = 20.0
"""On a channel of the same recording, so is speech this far under the patient's channel at the same moment."""
JOIN_S = 0.6
"""Pauses up to this are within what the far end says: the gate's own limit."""

LEAST_S = 1e-3
"""Rounding to cells leaves spans of nothing, shorter than this."""

FLOOR_DB = -120.0

Span = tuple[float, float]
"""Seconds, half-open."""


class FarEndListener:
    """Finds where the far end speaks in ``track``. ``core``: fresh, for the track's rate.

    Iterate ``steps`` to the end on a thread, then ``compare`` if the patient's channel is of the same recording, then
    call ``spans``.
    """

    def __init__(self, core: StreamCore, track: Recording) -> None:
        self._core = core
        self._track = track
        self._heard: list[Span] = []
        self._started = 0
        self._levels: list[float] = []
        self._others: list[float] = []

    def steps(self) -> Iterator[None]:
        """Takes about one second of audio per step, or ten of digital silence. Raises as ``Recording.blocks``."""
        for block in gathered(self._track.blocks(), self._track.sample_rate):
            match block:
                case Gap():
                    self._take(self._core.receive_gap(block.samples))
                case Silence():
                    self._take(self._core.receive_silence(block.samples))
                case np.ndarray():
                    self._take(self._core.receive_pcm(block.astype(np.dtype("<f4"), copy=False).tobytes()))
            yield
        self._take(self._core.finish())
        self._fill(int(self._core.samples_received / self._cell))

    @property
    def _cell(self) -> float:
        return float(self._track.sample_rate * CELL_S)

    def _fill(self, cells: int) -> None:
        """A gap and repeated silence have no levels: those that come are told by their place."""
        self._levels += [FLOOR_DB] * (cells - len(self._levels))

    def _take(self, events: list[StreamEvent]) -> None:
        for event in events:
            match event:
                case Level():
                    self._fill(round(event.end_sample / self._cell) - 1)
                    self._levels.append(event.rms_dbfs)
                case SpeechStarted():
                    self._started = event.sample
                case SpeechStopped():
                    rate = self._track.sample_rate
                    self._heard.append((self._started / rate, event.sample / rate))
                case WindowReady():
                    pass
                case _:
                    assert_never(event)

    def compare(self, beside: Recording) -> Iterator[None]:
        """``beside``: the patient's channel. Its voice, where it leaks into the far end's, is not the far end's."""
        cell = int(beside.sample_rate * CELL_S)
        rest = np.zeros(0, np.float32)
        for block in beside.blocks():
            samples = np.zeros(block.samples, np.float32) if isinstance(block, Gap) else block
            rest = np.concatenate((rest, samples))
            cells = rest.shape[0] // cell
            power = np.mean(np.square(rest[: cells * cell].reshape(cells, cell), dtype=np.float64), axis=1)
            self._others += (10.0 * np.log10(power + 1e-12)).tolist()
            rest = rest[cells * cell :]
            yield

    def spans(self) -> list[Span]:
        """Where the far end speaks, seconds, in order and apart."""
        own = self._own()
        spans: list[Span] = []
        for start, end in self._heard:
            first, last = int(start / CELL_S), min(int(np.ceil(end / CELL_S)), own.shape[0])
            for cell in range(first, last):
                if not own[cell]:
                    continue
                piece = (max(start, cell * CELL_S), min(end, (cell + 1) * CELL_S))
                if spans and piece[0] - spans[-1][1] <= JOIN_S:
                    spans[-1] = (spans[-1][0], piece[1])
                else:
                    spans.append(piece)
        return [span for span in spans if span[1] - span[0] > LEAST_S]

    def _own(self) -> npt.NDArray[np.bool_]:
        """Cells loud enough to be the far end's own voice, bool ``(cells,)``."""
        levels = np.asarray(self._levels)
        if not levels.size:
            return np.zeros(0, np.bool_)
        own = levels >= np.percentile(levels, 95.0) - WITHIN_DB
        others = np.full(levels.shape, FLOOR_DB)
        n = min(levels.shape[0], len(self._others))
        others[:n] = self._others[:n]
        return np.asarray(own & (levels >= others - LEAKED_DB))


def marked(
    blocks: Iterator[Float32Array | Gap], spans: Sequence[Span], sample_rate: int
) -> Iterator[Float32Array | Gap | bool]:
    """``blocks`` cut where the far end starts (``True`` comes there) and stops (``False``)."""
    marks: list[tuple[int, bool]] = []  # the next one last
    for start, end in reversed(spans):
        marks += [(round(end * sample_rate), False), (round(start * sample_rate), True)]
    at = 0
    for block in blocks:
        end = at + (block.samples if isinstance(block, Gap) else block.shape[0])
        while marks and marks[-1][0] < end:
            cut, speaking = marks.pop()
            if cut > at:
                yield Gap(cut - at) if isinstance(block, Gap) else block[at - end :][: cut - at]
                at = cut
            yield speaking
        yield Gap(end - at) if isinstance(block, Gap) else block[at - end :]
        at = end
        while marks and marks[-1][0] <= at:
            yield marks.pop()[1]
