"""Opens a recording for reading, by whatever decoder it needs. What its first bytes are decides, no name or type."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import soundfile

from server.errors import UndecodableFileError
from server.recording import refusals
from server.recording.au import au_patches
from server.recording.decoders.ffmpeg import FfmpegFile
from server.recording.decoders.limits import Decoders
from server.recording.decoders.mp3 import open_mp3
from server.recording.decoders.mp3_worker import DECODING_ERRORS
from server.recording.decoders.placing import placed
from server.recording.decoders.protection import is_protected
from server.recording.decoders.raw import SUBTYPES, RawFormat
from server.recording.decoders.sniffing import Look, Reader, looked_at
from server.recording.decoders.worker_file import WorkerFile
from server.recording.wav import Patches, header_patches, patched
from server.values.audio import Float32Array
from server.values.notices import Notice

SILK_WORKER = Path(__file__).with_name("decoders") / "silk_worker.py"


class Decoder(Protocol):
    """An open recording. ``read`` until empty, then ``close``."""

    subtype: str
    """libsndfile's name of how the samples are stored, such as ``PCM_16``; FFmpeg's of the codec, such as ``AAC``."""
    samplerate: int
    channels: int

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        ...

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What the caller should know; complete once ``read`` gave nothing or raised."""
        ...

    def read(self, frames: int) -> Float32Array:
        """At most ``frames``, float32 ``(n, channels)``; none at the end. Raises one of DECODING_ERRORS."""
        ...

    def close(self) -> None:
        """May be called at any point, and twice."""
        ...


def open_decoder(source: Path | BinaryIO, name: str | None, decoders: Decoders, raw: RawFormat | None) -> Decoder:
    """The decoder for a path, or for a binary file at its start. ``raw``: what it is, of sound without a header.

    Raises UndecodableFileError, or the one of its kinds that says what to do; NoRoomError.
    """
    try:
        if isinstance(source, Path):
            with source.open("rb") as file:
                look, size = _look(file, source.name)
        else:
            look, size = _look(source, name)
        if not size:
            raise refusals.empty()
        return _open_raw(source, raw) if raw is not None else _open_as(look, source, name, decoders)
    except FileNotFoundError as error:
        raise UndecodableFileError("No such file.", zh="没有这个文件。", param="file") from error
    except TimeoutError as error:
        raise refusals.stopped() from error
    except (*DECODING_ERRORS, TypeError) as error:
        raise refusals.undecodable() from error


def _look(file: BinaryIO, name: str | None) -> tuple[Look, int]:
    """What it is, and its size in bytes. Raises ProtectedFileError."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    look = looked_at(file, name)
    if is_protected(file, look.demuxer):
        raise refusals.protected()
    return look, size


def _open_as(look: Look, source: Path | BinaryIO, name: str | None, decoders: Decoders) -> Decoder:
    match look.reader:
        case Reader.NOBODY:
            raise refusals.undecodable(look.other)
        case Reader.SILK:
            return _open_silk(source, decoders)
        case Reader.FFMPEG:
            assert look.demuxer is not None
            return _open_ffmpeg(source, look.demuxer, decoders)
        case Reader.FFMPEG_BETTER:
            assert look.demuxer is not None
            known = decoders.ffmpeg_program is not None
            return _open_ffmpeg(source, look.demuxer, decoders) if known else _open_soundfile(source)
        case Reader.MP3:
            return _else_ffmpeg(lambda: open_mp3(source, name, decoders.limits), look, source, decoders)
        case Reader.SOUNDFILE:
            return _else_ffmpeg(lambda: _open_soundfile(source), look, source, decoders)


def _else_ffmpeg(opening: Callable[[], Decoder], look: Look, source: Path | BinaryIO, decoders: Decoders) -> Decoder:
    """libsndfile, or where it gives up and FFmpeg has the format, that."""
    try:
        return opening()
    except TimeoutError:
        raise
    except (*DECODING_ERRORS, TypeError) as error:
        if not isinstance(source, Path):
            source.seek(0)
        if look.demuxer is None or decoders.ffmpeg_program is None:
            raise refusals.undecodable() from error
        return _open_ffmpeg(source, look.demuxer, decoders)


def _open_ffmpeg(source: Path | BinaryIO, demuxer: str, decoders: Decoders) -> FfmpegFile:
    program = decoders.ffmpeg_program
    if program is None:
        raise refusals.no_ffmpeg()
    with placed(source) as path:
        # Once there is sound the program has opened the file, which may then lose its name.
        return FfmpegFile(program, demuxer, path, decoders.limits)


def _open_silk(source: Path | BinaryIO, decoders: Decoders) -> WorkerFile:
    if not decoders.silk:
        raise refusals.no_silk()
    with placed(source) as path:
        return WorkerFile(SILK_WORKER, path, "SILK", decoders.limits)


def _open_soundfile(source: Path | BinaryIO) -> "SoundFileDecoder":
    """A path by its name where its header is right, which is faster than through a file of ours."""
    if not isinstance(source, Path):
        return SoundFileDecoder(_Seekable(source, patches_of(source)))
    file = source.open("rb")
    try:
        if patches := patches_of(file):
            return SoundFileDecoder(_Seekable(file, patches), file)
    except BaseException:
        file.close()
        raise
    file.close()
    # As bytes: a name from another system may not be UTF-8, which soundfile would require.
    return SoundFileDecoder(os.fsencode(source))


def patches_of(file: BinaryIO) -> Patches:
    """What to put in place of a header's wrong length. ``file`` is rewound."""
    return header_patches(file) or au_patches(file)


def _open_raw(source: Path | BinaryIO, raw: RawFormat) -> "SoundFileDecoder":
    file = source.open("rb") if isinstance(source, Path) else source
    under = file if isinstance(source, Path) else None
    try:
        return SoundFileDecoder(_Seekable(file, {}), under, raw)
    except BaseException:
        if under is not None:
            under.close()
        raise


class SoundFileDecoder:
    """libsndfile. ``under``: a file of ours to close with it; ``raw``: what the bytes are, if there is no header."""

    notices: tuple[Notice, ...] = ()

    def __init__(
        self, source: "bytes | _Seekable", under: BinaryIO | None = None, raw: RawFormat | None = None
    ) -> None:
        self._under = under
        if raw is None:
            self._file = soundfile.SoundFile(source)
        else:
            subtype, endian, _ = SUBTYPES[raw.encoding]
            self._file = soundfile.SoundFile(
                source,
                samplerate=raw.sample_rate,
                channels=raw.channels,
                subtype=subtype,
                endian=endian,
                format="RAW",
            )
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
