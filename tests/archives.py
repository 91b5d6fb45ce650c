"""ZIP archives with names as no packer of Python writes them: bytes, flags and extra fields as given."""

import struct
import zlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """Stored, not compressed. ``marked``: its name is said to be UTF-8, whatever it is."""

    name: bytes
    data: bytes = b"RIFF"
    marked: bool = False
    extra: bytes = b""


def unicode_path(text: bytes, of: bytes, version: int = 1) -> bytes:
    """Info-ZIP's field with the name in UTF-8, of an entry whose name is ``of``."""
    data = struct.pack("<BI", version, zlib.crc32(of)) + text
    return struct.pack("<HH", 0x7075, len(data)) + data


def packed_bytes(*entries: Entry) -> bytes:
    """APPNOTE.TXT, 4.3.7, 4.3.12, 4.3.16."""
    written, listed = bytearray(), bytearray()
    for one in entries:
        flags = 0x800 if one.marked else 0
        sizes = struct.pack("<3I2H", zlib.crc32(one.data), len(one.data), len(one.data), len(one.name), len(one.extra))
        common = struct.pack("<5H", 20, flags, 0, 0, 0) + sizes
        listed += b"PK\x01\x02" + struct.pack("<H", 20) + common
        listed += struct.pack("<3H2I", 0, 0, 0, 0, len(written)) + one.name + one.extra
        written += b"PK\x03\x04" + common + one.name + one.extra + one.data
    count = len(entries)
    return bytes(written + listed) + struct.pack(
        "<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(listed), len(written), 0
    )
