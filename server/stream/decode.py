"""Decodes PCM bytes to samples, wherever the bytes are cut, even inside a sample."""

from typing import Any

import numpy as np

from server.errors import NonFiniteSamplesError, UnsupportedEncodingError
from server.stream.g711 import alaw_table, mulaw_table
from server.values.audio import AudioFormat, Encoding, Float32Array

_TYPES: dict[Encoding, np.dtype[Any]] = {
    Encoding.PCM_S16LE: np.dtype("<i2"),
    Encoding.PCM_F32LE: np.dtype("<f4"),
    Encoding.MULAW: np.dtype("u1"),
    Encoding.ALAW: np.dtype("u1"),
}
_TABLES = {Encoding.MULAW: mulaw_table, Encoding.ALAW: alaw_table}


class PcmDecoder:
    """Decodes chunks to float32 samples in -1..1 and keeps the bytes of a sample that a chunk split.

    Call ``decode`` for every chunk, in order. ``drop_half`` forgets the bytes of a cut sample.
    """

    def __init__(self, audio: AudioFormat) -> None:
        """Raises UnsupportedEncodingError for an encoding that is not an ``Encoding``."""
        if audio.encoding not in _TYPES:
            raise UnsupportedEncodingError(
                f"Encoding {audio.encoding!r} is not supported; send {', '.join(Encoding)}.", param="audio.encoding"
            )
        self._type = _TYPES[audio.encoding]
        self._table = _TABLES[audio.encoding]() if audio.encoding in _TABLES else None
        self._half = b""

    @property
    def half_open(self) -> bool:
        """True while bytes of an incomplete sample are kept."""
        return bool(self._half)

    def samples_in(self, data_bytes: int) -> int:
        """Samples that so many more bytes complete."""
        return (len(self._half) + data_bytes) // self._type.itemsize

    def drop_half(self) -> None:
        """Forget the bytes of an incomplete sample, as after a gap."""
        self._half = b""

    def decode(self, data: bytes | bytearray | memoryview, *, refuse: bool = True) -> Float32Array:
        """The samples that ``data`` completes, float32 ``(n,)``, -1..1; 16-bit samples, also those that a byte of G.711
        stands for, are divided by 32,768.

        Float samples beyond full scale are limited to it, as a converter would; they then show as clipped. Raises
        NonFiniteSamplesError for NaN or Infinity and is then as it was before the call; without ``refuse`` both are
        returned as NaN.
        """
        joined, whole = self._join(data)
        raw = np.frombuffer(joined[:whole], self._type)
        samples: Float32Array = (raw if self._table is None else self._table[raw]).astype(np.float32)
        if self._type.kind != "f":
            samples *= np.float32(1 / 32768)
        else:
            finite = np.isfinite(samples)
            if refuse and not finite.all():
                raise NonFiniteSamplesError(
                    "The chunk holds NaN or Infinity and was not taken; send finite samples from the last acknowledged "
                    "one on, or declare them lost with audio.gap.",
                    param="audio",
                )
            samples[~finite] = np.nan
            np.clip(samples, -1.0, 1.0, out=samples)
        self._half = bytes(joined[whole:])
        return samples

    def _join(self, data: bytes | bytearray | memoryview) -> tuple[bytes | memoryview, int]:
        """``data`` behind the kept bytes, and how many bytes of it are complete samples."""
        view = memoryview(data).cast("B")
        joined = self._half + bytes(view) if self._half else view
        return joined, len(joined) - len(joined) % self._type.itemsize
