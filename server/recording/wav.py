"""WAV headers with wrong lengths: who writes into a pipe, or is stopped, cannot go back to fill them in."""

import os
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO

from server.recording.wav_tail import AT_MOST, tail_bytes

UNKNOWN = 0xFFFF_FFFF
"""A length that a header of 32 bits cannot hold (RF64, EBU Tech 3306); streaming writers leave it or 0 in RIFF too."""

MAX_CHUNKS = 1_000
LOOKED_AT = 65_536
"""Bytes behind the declared end in which there must be something: some recorders fill their last block with zeros."""

CHUNK_NAME = re.compile(rb"[A-Za-z0-9_ ]{4}")
"""Of a chunk that is told by its name and a length that fits, whatever follows."""
NAMES_BEHIND = frozenset(
    (b"LIST", b"INFO", b"id3 ", b"ID3 ", b"bext", b"iXML", b"cue ", b"smpl", b"JUNK", b"PEAK", b"fact")
)
TAGS_BEHIND = (b"TAG", b"ID3", b"APETAGEX", b"PK\3\4")
"""What other writers put behind the audio, whatever length they claim for it."""

Patches = Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class _Audio:
    """The chunk ``data``: ``start`` of its bytes, ``declared`` and ``available`` number of them. ``sizes``: where the
    sizes of RF64 are, if it is one. ``second``, ``frame``: bytes of these, 0 if unknown."""

    start: int
    declared: int
    available: int
    sizes: int | None
    second: int
    frame: int

    @property
    def behind(self) -> int:
        return self.available - self.declared


def header_patches(file: BinaryIO) -> Patches:
    """What to put at which offsets of ``file`` so that its audio is read to the end. It is rewound.

    Empty for a header that is right, or claims more than there is, and for everything but WAV and RF64.
    """
    try:
        found = _find_audio(file)
        if found is None or not (found.behind < 0 or _goes_on(file, found)):
            return {}
        sound = replace(found, available=found.available - _tail(file, found))
        return _true_lengths(sound) if sound.behind >= 0 or sound.sizes is not None or sound != found else {}
    finally:
        file.seek(0)


def patched(data: bytes, at: int, patches: Patches) -> bytes:
    """The bytes ``data`` from offset ``at`` of a file, with what ``patches`` put there."""
    for offset, new in patches.items():
        first, last = max(offset, at), min(offset + len(new), at + len(data))
        if first < last:
            data = data[: first - at] + new[first - offset : last - offset] + data[last - at :]
    return data


def _find_audio(file: BinaryIO) -> _Audio | None:
    end = file.seek(0, os.SEEK_END)
    head = _read(file, 0, 12)
    if head[:4] not in (b"RIFF", b"RF64") or head[8:] != b"WAVE":
        return None
    sizes, second, frame = None, 0, 0
    for name, start, length in _chunks(file, end):
        if name == b"ds64":
            sizes = start if head[:4] == b"RF64" else None
        elif name == b"fmt " and len(layout := _read(file, start, 16)) == 16:
            second, frame = struct.unpack("<8xIH2x", layout)
        elif name == b"data":
            declared = length if sizes is None else int.from_bytes(_read(file, sizes + 8, 8), "little")
            return _Audio(start, declared, end - start, sizes, second, frame)
    return None


def _chunks(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and declared length of each."""
    at = 12
    for _ in range(MAX_CHUNKS):
        head = _read(file, at, 8)
        if len(head) < 8 or at > end:
            return
        (length,) = struct.unpack("<4xI", head)
        yield head[:4], at + 8, length
        at += 8 + length + length % 2


def _goes_on(file: BinaryIO, audio: _Audio) -> bool:
    """Whether what lies behind the declared end is audio: no chunk, no tag, and more than a remainder."""
    least = 1 if not audio.declared else min(audio.declared + 1, audio.second or audio.declared + 1)
    if audio.behind < least:
        return False
    behind = _read(file, audio.start + audio.declared, LOOKED_AT)
    if behind.startswith(TAGS_BEHIND) or (audio.declared and not any(behind)):
        return False
    if any(_is_chunk(behind[pad : pad + 8], audio.behind - pad - 8) for pad in {0, audio.declared % 2}):
        return False
    # A chain of chunks up to the end of the file, perhaps behind the zeros that fill a block.
    zeros = len(behind) - len(behind.lstrip(b"\0"))
    tail = _tail(file, audio)
    return not (tail and 0 <= audio.behind - tail <= (zeros if audio.declared else 0) + audio.declared % 2)


def _is_chunk(head: bytes, left: int) -> bool:
    if len(head) < 8 or not CHUNK_NAME.fullmatch(head[:4]):
        return False
    (length,) = struct.unpack("<4xI", head)
    return length <= left or head[:4] in NAMES_BEHIND


def _tail(file: BinaryIO, audio: _Audio) -> int:
    """How many bytes at the end of the file are no sound, whatever length was declared: chunks or an archive."""
    size = min(audio.available, AT_MOST)
    return tail_bytes(_read(file, audio.start + audio.available - size, size)) if size > 0 else 0


def _true_lengths(audio: _Audio) -> Patches:
    whole = audio.start + audio.available - 8
    if audio.sizes is None:
        return {4: _length(whole), audio.start - 4: _length(audio.available)}
    samples = audio.available // audio.frame if audio.frame else 0
    return {audio.sizes: struct.pack("<QQQ", whole, audio.available, samples), audio.start - 4: _length(UNKNOWN)}


def _length(size: int) -> bytes:
    return struct.pack("<I", min(size, UNKNOWN))


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)
