"""Decodes recordings into blocks of mono samples. The length in a header is never trusted."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import soxr

from server.errors import PayloadTooLargeError
from server.recording.channels import ChannelRoles
from server.recording.decoders.limits import Decoders
from server.recording.decoders.mp3_worker import DECODING_ERRORS, READ_FRAMES
from server.recording.decoders.raw import RawFormat
from server.recording.opening import open_decoder
from server.recording.refusals import stopped, undecodable
from server.values.audio import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, Float32Array
from server.values.notices import Notice, NoticeCode

MAX_BLOCK_FRAMES = 65_536
MAX_BLOCK_SAMPLES = 2_000_000
"""A block is at most one second, and limited over all channels: a file may declare 1,024 channels, or 1 Hz."""

LARGEST_SAMPLE = 1e10
"""In full scales. Files of floats on the scale of 32-bit integers stay below it; of more, sums of squares overflow."""

CUT_SHORT = Notice(
    "录音在末尾处中断，后面的内容无法读取；已评估中断之前的部分。如需完整评估，请重新导出或录制。",
    "The recording breaks off at its end: what came after cannot be read. What was before it was judged. For the rest, "
    "export or record it again.",
    NoticeCode.CUT_SHORT,
)

DEFAULT_MAX_S = 4 * 3600.0
"""A few hundred bytes of FLAC can hold minutes of silence, so the decoded length needs its own limit."""


@dataclass(frozen=True, slots=True)
class Gap:
    """``samples`` that are NaN, infinite or over ``LARGEST_SAMPLE`` in the file, counted at the delivered rate."""

    samples: int


class Recording:
    """An open recording; a context manager. Iterate once, then close.

    ``blocks`` yields float32 ``(n,)`` mono samples (mean of the channels, or of those of ``track``) at ``sample_rate``,
    and ``Gap`` for stretches of 10 ms with a sample that is no sound (NaN, Infinity, over ``LARGEST_SAMPLE``). 16-bit
    mono PCM arrives as exactly ``int16 / 32768``.
    ``roles``, ``far_end``: what the caller knows of the parties (server.recording.parties); not used here.
    ``subtype`` is libsndfile's name of how the samples are stored, such as ``PCM_16``, or FFmpeg's of the codec.
    ``cut_short`` becomes True if decoding failed after some samples; those already decoded remain valid.
    ``raw``: what the bytes are, of sound without a header; ``decoders``: those beside libsndfile.
    Reading blocks, so do it on a thread; ``close`` may be called from another thread and waits for a running read.
    """

    def __init__(
        self,
        source: Path | BinaryIO,
        name: str | None,
        max_s: float = DEFAULT_MAX_S,
        *,
        roles: ChannelRoles | None = None,
        far_end: Path | None = None,
        only: Sequence[int] = (),
        decoders: Decoders | None = None,
        raw: RawFormat | None = None,
    ) -> None:
        self.name = name
        self.decoders = decoders or Decoders()
        self._raw = raw
        self.roles = roles
        self.far_end = far_end
        self._source = source
        self._only = list(only)
        self.cut_short = False
        self.max_s = max_s
        self._lock = threading.Lock()
        self._file = open_decoder(source, name, self.decoders, raw)
        self.subtype = self._file.subtype
        self.source_rate = self._file.samplerate
        self.channels = self._file.channels
        self.sample_rate = min(max(self.source_rate, MIN_SAMPLE_RATE), MAX_SAMPLE_RATE)
        self._resampler: soxr.ResampleStream | None = None
        if self.sample_rate != self.source_rate:
            self._resampler = soxr.ResampleStream(self.source_rate, self.sample_rate, 1, dtype="float32")

    def blocks(self) -> Iterator[Float32Array | Gap]:
        """Raises UndecodableFileError if nothing can be decoded, PayloadTooLargeError after ``max_s``."""
        read = False
        for frames in self.frames():
            read = True
            yield from self._deliver(self._mono(frames))
        if self._resampler is not None and read:
            yield from self._cut(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))

    def frames(self) -> Iterator[Float32Array]:
        """All channels as in the file, float32 ``(n, channels)`` at ``source_rate``, instead of ``blocks``.

        Raises the same errors.
        """
        done = 0
        while (block := self._read_block(done)) is not None:
            done += block.shape[0]
            if done > self.max_s * self.source_rate:
                raise PayloadTooLargeError(
                    f"The recording is longer than {self.max_s / 3600:g} h. Send it in parts.",
                    zh=f"录音超过 {self.max_s / 3600:g} 小时，请分段发送。",
                    param="file",
                )
            yield block

    def track(self, channels: Sequence[int]) -> "Recording":
        """The same source from its start, as the mean of ``channels``; this one must not be iterated any more."""
        if not isinstance(self._source, Path):
            self._source.seek(0)
        return Recording(self._source, self.name, self.max_s, only=channels, decoders=self.decoders, raw=self._raw)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the caller should know of the file itself; complete after the last block."""
        return (*self._file.notices, *((CUT_SHORT,) if self.cut_short else ()))

    def close(self) -> None:
        """Wait until the reader is done with its block, then close the file."""
        with self._lock:
            self._file.close()

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_block(self, frames_so_far: int) -> Float32Array | None:
        """The next block, or ``None`` at the end or when decoding fails after some samples."""
        wanted = max(1, min(self.source_rate, MAX_BLOCK_FRAMES, MAX_BLOCK_SAMPLES // self.channels))
        pieces: list[npt.NDArray[np.float32]] = []
        with self._lock:
            while wanted and not self._file.closed and not self.cut_short:
                try:
                    piece = self._file.read(min(wanted, READ_FRAMES))
                except DECODING_ERRORS as error:
                    if not frames_so_far and not pieces:
                        raise (stopped() if isinstance(error, TimeoutError) else undecodable()) from error
                    self.cut_short = True
                    break
                if not piece.shape[0]:
                    break
                pieces.append(piece)
                wanted -= piece.shape[0]
        if not pieces:
            return None
        return np.concatenate(pieces)

    def _mono(self, block: Float32Array) -> Float32Array:
        if self.channels == 1:
            return block[:, 0]
        if self._only:
            block = block[:, self._only]
        with np.errstate(over="ignore", invalid="ignore"):  # NaN and Infinity stay, and become a gap
            mean: Float32Array = block.mean(axis=1, dtype=np.float32)
        return mean

    def _deliver(self, block: Float32Array) -> Iterator[Float32Array | Gap]:
        if _usable(block).all():
            yield from self._resampled(block)
            return
        bounds, bad = _runs_of_bad_cells(block, max(1, self.source_rate // 100))
        for start, end, is_bad in zip(bounds[:-1], bounds[1:], bad, strict=True):
            if not is_bad:
                yield from self._resampled(block[start:end])
            elif self._resampler is None:
                yield Gap(int(end - start))
            else:
                # A gap cannot pass through the resampler: silence of the same length keeps its time right.
                yield from self._resampled(np.zeros(end - start, np.float32))

    def _resampled(self, samples: Float32Array) -> Iterator[Float32Array]:
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples)
        yield from self._cut(samples)

    def _cut(self, samples: Float32Array) -> Iterator[Float32Array]:
        for start in range(0, samples.size, MAX_BLOCK_FRAMES):
            yield samples[start : start + MAX_BLOCK_FRAMES]


def _usable(block: Float32Array) -> npt.NDArray[np.bool_]:
    return np.abs(block) <= LARGEST_SAMPLE  # False for NaN too


def _runs_of_bad_cells(block: Float32Array, cell: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Boundaries ``(k+1,)`` of the runs of cells with and without an unusable sample, and which ``(k,)`` are bad."""
    starts = np.arange(0, block.shape[0], cell)
    bad = np.logical_or.reduceat(~_usable(block), starts)
    first = np.flatnonzero(np.concatenate(([True], bad[1:] != bad[:-1])))
    return np.append(starts[first], block.shape[0]), bad[first]


def read_recording(
    source: Path | BinaryIO,
    name: str | None = None,
    *,
    max_s: float = DEFAULT_MAX_S,
    roles: ChannelRoles | None = None,
    far_end: Path | None = None,
    decoders: Decoders | None = None,
    raw: RawFormat | None = None,
) -> Recording:
    """Open ``source`` (a path, or a seekable binary file at its start) for assessment.

    ``name`` is repeated in the result; ``None`` means the path's own name. ``roles``: who is on which channel;
    ``far_end``: the far end's own track, recorded at the same time. ``decoders``: those beside libsndfile, by default
    whatever is installed; ``raw``: what the bytes are, of sound without a header. Blocks only to read the header.
    Raises UndecodableFileError, or the one of its kinds that says what to do.
    """
    if name is None and isinstance(source, Path):
        name = source.name
    return Recording(source, name, max_s, roles=roles, far_end=far_end, decoders=decoders, raw=raw)
