"""Whether a file is encrypted for its seller's player, which no decoder here may or can undo."""

import os
from typing import BinaryIO

LOOKED_AT = 4 << 20
"""Bytes of an index that are searched."""
MOST_BOXES = 1_000

MP4_MARKS = (b"enca", b"encv", b"drms", b"drmi", b"aavd")
"""Sample entries of protected tracks (ISO/IEC 14496-12 8.12; Apple's FairPlay; Audible's)."""
ASF_MARKS = (
    bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e"),
    bytes.fromhex("14e68a292226174cb935dae07ee9289c"),
    bytes.fromhex("338505438169e6499b74ad12cb86d58c"),
)
"""Content Encryption, Extended and Advanced Content Encryption Object (ASF specification 3.14 to 3.16)."""
MATROSKA_MARKS = (b"\x50\x33\x81\x01",)
"""ContentEncodingType 1, encryption (RFC 9559, 5.1.4.1.31.5)."""
SELLERS = (b"CTENFDAM",)
"""First bytes of files of music shops (NetEase)."""


def is_protected(file: BinaryIO, demuxer: str | None) -> bool:
    """Of an open file, which is rewound. ``demuxer``: as in ``Look``."""
    try:
        head = file.read(64)
        if head.startswith(SELLERS):
            return True
        file.seek(0)
        match demuxer:
            case "mov":
                return any(mark in _index(file) for mark in MP4_MARKS)
            case "asf":
                header = file.read(LOOKED_AT)
                return any(mark in header for mark in ASF_MARKS)
            case "matroska":
                header = file.read(1 << 16)
                return any(mark in header for mark in MATROSKA_MARKS)
            case _:
                return False
    finally:
        file.seek(0)


def _index(file: BinaryIO) -> bytes:
    """The box ``moov`` of an MP4, empty if there is none; sizes in headers are followed, not believed."""
    end = file.seek(0, os.SEEK_END)
    at = 0
    for _ in range(MOST_BOXES):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            break
        size = int.from_bytes(head[:4], "big")
        size = int.from_bytes(head[8:16], "big") if size == 1 else size or end - at
        if head[4:8] == b"moov":
            file.seek(at)
            return file.read(min(size, LOOKED_AT))
        if size < 8 or at + size > end:
            break
        at += size
    return b""
