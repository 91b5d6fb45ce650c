"""Reads a recording as the PCM that a microphone would have sent."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from server.errors import ClientError
from server.filenames import readable
from server.recording.decode import Gap, Recording
from server.values.audio import AudioFormat, Encoding, Float32Array
from server.wire.base import MAX_FRAME_BYTES


class PcmSource:
    """Chunks of ``chunk_ms`` of an open recording; a context manager, to be iterated once.

    16-bit mono files are sent as ``pcm_s16le``, which is exact for them; everything else as ``pcm_f32le``. Either way
    the server's core sees the same samples as ``assess``. A chunk never exceeds the wire's 64 KiB.
    """

    def __init__(self, path: Path, chunk_ms: int, channels: Sequence[int] = ()) -> None:
        """``channels``: the mean of these is sent, by default of all."""
        self._recording = open_recording(path, channels)
        exact = _is_exact_int16(self._recording)
        encoding = Encoding.PCM_S16LE if exact else Encoding.PCM_F32LE
        self.audio = AudioFormat(encoding, self._recording.sample_rate)
        longest = MAX_FRAME_BYTES // encoding.sample_bytes
        self.chunk_samples = max(1, min(self.audio.sample_rate * chunk_ms // 1000, longest))

    @property
    def cut_short(self) -> bool:
        """Whether the file is truncated; known after the last chunk."""
        return self._recording.cut_short

    def __enter__(self) -> "PcmSource":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._recording.close()

    def __iter__(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield ``(samples, bytes)``, or ``(samples, None)`` for a stretch of samples that are not finite numbers.

        Reading blocks for milliseconds. Raises UndecodableFileError, PayloadTooLargeError.
        """
        waiting = np.zeros(0, np.float32)
        for block in self._recording.blocks():
            if isinstance(block, Gap):
                if waiting.size:
                    yield waiting.size, self._encode(waiting)
                    waiting = waiting[:0]
                yield block.samples, None
                continue
            waiting = np.concatenate([waiting, block])
            whole = waiting.size - waiting.size % self.chunk_samples
            for start in range(0, whole, self.chunk_samples):
                yield self.chunk_samples, self._encode(waiting[start : start + self.chunk_samples])
            waiting = waiting[whole:]
        if waiting.size:
            yield waiting.size, self._encode(waiting)

    def _encode(self, samples: Float32Array) -> bytes:
        if self.audio.encoding is Encoding.PCM_F32LE:
            encoded: bytes = samples.astype("<f4", copy=False).tobytes()
        else:
            encoded = np.rint(samples * np.float32(32768)).astype("<i2").tobytes()
        return encoded


def open_recording(path: Path, channels: Sequence[int] = ()) -> Recording:
    """Open a file named by a person. Raises ClientError if the name is wrong, UndecodableFileError."""
    name = readable(path)
    if path.is_dir():
        raise ClientError(
            f"{name} is a folder.",
            zh=f"{name} 是文件夹。",
            hint=f"Name the files in it: {name}/*.wav",
            hint_zh=f"请给出其中的文件：{name}/*.wav",
        )
    if not path.exists():
        raise ClientError(f"{name}: no such file.", zh=f"{name}：没有这个文件。")
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        en, zh = f"{name} cannot be read: {error.strerror}.", f"无法读取 {name}：{error.strerror}。"
        raise ClientError(en, zh=zh) from None
    return Recording(path, name, only=channels)


def _is_exact_int16(recording: Recording) -> bool:
    plain = recording.channels == 1 and recording.source_rate == recording.sample_rate
    return plain and recording.subtype in {"PCM_16", "PCM_S8", "PCM_U8"}
