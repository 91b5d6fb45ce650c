"""MP3, decoded in a separate process.

libmpg123, libsndfile's MP3 decoder, writes its remarks about a file ("Xing stream size off by more than 1%") to
standard error, and libsndfile has no switch for that. Standard error belongs to the process, so only another process
keeps them out of the log. It also contains a crash caused by a damaged file.
"""

import os
import select
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import numpy as np

from server.errors import NoRoomError
from server.recording.mp3_worker import COUNT, FAILED, HEADER
from server.values.audio import Float32Array

WORKER = Path(__file__).with_name("mp3_worker.py")

SILENT_WORKER_S = 60.0
"""Maximum time for a block. The slowest took milliseconds: a worker that is silent for this long hangs."""

HEAD_BYTES = 3
MPEG_SYNC = 0xFFE0
"""The first eleven bits of every MPEG audio frame."""

ID3_HEAD_BYTES = 10
ADTS_MASK, ADTS_SYNC = 0xFFF6, 0xFFF0
"""AAC in a stream begins with twelve ones and a layer of 00 (ISO/IEC 13818-7)."""


def may_be_mp3(head: bytes, name: str | None) -> bool:
    """Whether libsndfile would try its MP3 decoder: by the file's first three bytes, or by its name."""
    synced = len(head) >= 2 and int.from_bytes(head[:2], "big") & MPEG_SYNC == MPEG_SYNC
    return synced or head.startswith(b"ID3") or (name is not None and name.lower().endswith(".mp3"))


def open_mp3(source: Path | BinaryIO, name: str | None) -> "Mp3File":
    """The file as ``Mp3File``; an open file is copied.

    Raises RuntimeError if it cannot be decoded, OSError, and NoRoomError if it cannot be copied.

    libsndfile finds the frames behind a tag that it cannot read, such as cover art whose length is wrong, only if the
    name ends in .mp3: a tagged file without that name gets it in a second try.
    """
    with _folder() as folder:
        plain, named = Path(folder, "audio"), Path(folder, "audio.mp3")
        if isinstance(source, Path):
            name = source.name
            plain.symlink_to(source.absolute())
        else:
            try:
                with plain.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
            except OSError as error:
                raise _no_room() from error
        named.symlink_to(plain)
        # Once the header is there the worker has opened the file, which may then lose its names.
        if name is not None and name.lower().endswith(".mp3"):
            return Mp3File(named)
        try:
            return Mp3File(plain)
        except RuntimeError:
            if not _tagged(plain):
                raise
        return Mp3File(named)


def _folder() -> TemporaryDirectory[str]:
    try:
        return TemporaryDirectory()
    except OSError as error:
        raise _no_room() from error


def _no_room() -> NoRoomError:
    return NoRoomError(
        "There is no room for a copy of the recording. Try again later, or make room for temporary files.", param="file"
    )


def _tagged(path: Path) -> bool:
    """Whether the file begins with an ID3v2 tag, but not with one before AAC, in which frames are found by chance."""
    with path.open("rb") as file:
        head = file.read(ID3_HEAD_BYTES)
        if len(head) < ID3_HEAD_BYTES or not head.startswith(b"ID3"):
            return False
        length = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
        file.seek(ID3_HEAD_BYTES + length)
        behind = int.from_bytes(file.read(2), "big")
    return behind & ADTS_MASK != ADTS_SYNC


class Mp3File:
    """The part of a ``SoundFile`` that ``Recording`` needs, from a worker process. ``read`` until empty, then close."""

    subtype = "MPEG_LAYER_III"

    def __init__(self, path: Path) -> None:
        """Waits for the header. Raises RuntimeError if there is none: the file cannot be decoded."""
        self.closed = False
        self._rest: Float32Array | None = None
        self._ended = False
        self._worker = subprocess.Popen(
            # -P: without the script's folder, whose modules would hide others of the same name.
            [sys.executable, "-P", os.fsencode(WORKER), os.fsencode(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            # Ctrl+C in a terminal goes to the process group, but a server still finishes what it has begun.
            process_group=0,
        )
        try:
            self.samplerate, self.channels = HEADER.unpack(self._receive(HEADER.size))
        except BaseException:
            self.close()
            raise

    def read(self, frames: int) -> Float32Array:
        """At most ``frames``, float32 ``(n, channels)``; none at the end. Raises RuntimeError if decoding breaks
        off."""
        block = self._rest if self._rest is not None else self._next_block()
        self._rest = block[frames:] if block.shape[0] > frames else None
        return block[:frames]

    def close(self) -> None:
        """End the decoder's process at any point; may be called twice."""
        self.closed = True
        self._worker.kill()
        assert self._worker.stdout is not None
        self._worker.stdout.close()
        self._worker.wait()

    def _next_block(self) -> Float32Array:
        (frames,) = COUNT.unpack(self._receive(COUNT.size)) if not self._ended else (0,)
        if frames == FAILED:
            raise RuntimeError("the decoder failed")
        self._ended = frames == 0
        data = self._receive(frames * self.channels * 4)
        return np.frombuffer(data, np.float32).reshape(frames, self.channels)

    def _receive(self, size: int) -> bytes:
        """Exactly ``size`` bytes. Raises RuntimeError if the worker ends before that, or hangs."""
        assert self._worker.stdout is not None
        received = bytearray()
        heard = select.poll()
        heard.register(self._worker.stdout, select.POLLIN)
        while len(received) < size:
            if not heard.poll(SILENT_WORKER_S * 1000):
                raise RuntimeError("the decoder hangs")
            part = self._worker.stdout.read(size - len(received))
            if not part:
                raise RuntimeError("the decoder ended")
            received += part
        return bytes(received)
