"""Decodes one SILK voice message in a separate process: ``python -P silk_worker.py FILE``.

Started by ``worker_file.py``; writes as ``mp3_worker.py`` does. silk-python hands over what it decodes packet by
packet, so a message of any length takes the same memory.
"""

import array
import struct
import sys
from pathlib import Path
from typing import BinaryIO

import pysilk

HEADER = struct.Struct("=ii")
COUNT = struct.Struct("=i")
FAILED = -1
LENGTH = struct.Struct("<h")

RATE = 24_000
"""The highest that SILK codes: what it coded lower keeps its band."""
SCALE = 1.0 / 32_768


class _Packets:
    """The file as ``decode`` reads it: two bytes, a packet's length, then the packet.

    A negative length is where older writers end the message; it would be asked for as that many bytes.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._magic_read = False

    def read(self, size: int) -> bytes:
        data = self._file.read(max(0, size))
        if size == LENGTH.size and self._magic_read and len(data) == size and LENGTH.unpack(data)[0] < 0:
            return b""
        self._magic_read = True
        return data

    def write(self, _: bytes) -> int:
        """Never called, but looked for: whatever lacks it is refused as no file."""
        return 0


class _Blocks:
    """Takes PCM of 16 bits in pieces of any length, and writes blocks."""

    def __init__(self) -> None:
        self._half = b""

    def read(self, _: int) -> bytes:
        """As ``write`` of ``_Packets``."""
        return b""

    def write(self, pcm: bytes) -> int:
        """One block for each piece."""
        data = self._half + pcm
        self._half = data[len(data) & ~1 :]
        samples = array.array("h", data[: len(data) & ~1])
        if samples:
            sound = array.array("f", (sample * SCALE for sample in samples))
            sys.stdout.buffer.write(COUNT.pack(len(sound)) + sound.tobytes())
        return len(pcm)


def main(path: Path) -> None:
    """Decode ``path`` to standard output."""
    output = sys.stdout.buffer
    with path.open("rb") as file:
        output.write(HEADER.pack(RATE, 1))
        output.flush()
        try:
            pysilk.decode(_Packets(file), _Blocks(), RATE)
        except (pysilk.SilkError, ValueError, EOFError, MemoryError):
            output.write(COUNT.pack(FAILED))
        else:
            output.write(COUNT.pack(0))
        output.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
