"""Opens a recording for reading, by whatever decoder it needs."""

import os
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import soundfile

from server.errors import UndecodableFileError
from server.recording.mp3 import HEAD_BYTES, may_be_mp3, open_mp3
from server.recording.mp3_worker import DECODING_ERRORS
from server.recording.wav import Patches, header_patches, patched
from server.values.audio import Float32Array


class Decoder(Protocol):
    """An open recording. ``read`` until empty, then ``close``."""

    subtype: str
    """libsndfile's name of how the samples are stored, such as ``PCM_16``."""
    samplerate: int
    channels: int

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        ...

    def read(self, frames: int) -> Float32Array:
        """At most ``frames``, float32 ``(n, channels)``; none at the end. Raises one of DECODING_ERRORS."""
        ...

    def close(self) -> None:
        """May be called at any point, and twice."""
        ...


def open_decoder(source: Path | BinaryIO, name: str | None) -> Decoder:
    """The decoder for a path, or for a binary file at its start. Raises UndecodableFileError."""
    try:
        if may_be_mp3(_head(source), source.name if isinstance(source, Path) else name):
            return open_mp3(source, name)
        if isinstance(source, Path):
            return _open_path(source)
        return SoundFileDecoder(_Seekable(source, header_patches(source)))
    except FileNotFoundError as error:
        raise UndecodableFileError("No such file.", param="file") from error
    except (*DECODING_ERRORS, TypeError) as error:
        raise undecodable() from error


def undecodable() -> UndecodableFileError:
    """The error for a file that no decoder can read."""
    return UndecodableFileError(
        "The file cannot be decoded. Use WAV, FLAC, OGG (Vorbis, Opus), MP3 or AIFF.", param="file"
    )


def _open_path(path: Path) -> "SoundFileDecoder":
    """By its name where its header is right, which is faster than through a file of ours."""
    file = path.open("rb")
    try:
        if patches := header_patches(file):
            return SoundFileDecoder(_Seekable(file, patches), file)
    except BaseException:
        file.close()
        raise
    file.close()
    # As bytes: a name from another system may not be UTF-8, which soundfile would require.
    return SoundFileDecoder(os.fsencode(path))


class SoundFileDecoder:
    """libsndfile. ``under``: a file of ours to close with it."""

    def __init__(self, source: "bytes | _Seekable", under: BinaryIO | None = None) -> None:
        self._under = under
        self._file = soundfile.SoundFile(source)
        self.subtype: str = self._file.subtype
        self.samplerate: int = self._file.samplerate
        self.channels: int = self._file.channels

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return bool(self._file.closed)

    def read(self, frames: int) -> Float32Array:
        """At most ``frames``, float32 ``(n, channels)``; none at the end."""
        return np.asarray(self._file.read(frames, dtype="float32", always_2d=True), np.float32)

    def close(self) -> None:
        """May be called twice."""
        self._file.close()
        if self._under is not None:
            self._under.close()


class _Seekable:
    """A binary file that survives libsndfile's probing: broken headers make libsndfile seek before the start.

    An exception inside a callback from C cannot propagate; it would be printed, and the seek would seem to succeed.
    ``patches``: what is read in place of the bytes at some offsets.
    """

    def __init__(self, file: BinaryIO, patches: Patches) -> None:
        self._file = file
        self._patches = patches
        self._patched_until = max((at + len(new) for at, new in patches.items()), default=0)
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        at = self._file.tell()
        data = self._file.read(size)
        return patched(data, at, self._patches) if at < self._patched_until else data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)
        except (ValueError, OSError):
            return self._file.tell()


def _head(source: Path | BinaryIO) -> bytes:
    """The first bytes; an open file is rewound."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            return file.read(HEAD_BYTES)
    head = source.read(HEAD_BYTES)
    source.seek(0)
    return head
