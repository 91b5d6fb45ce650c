"""How the entries of a ZIP are called: packers write names in several encodings, and some say the wrong one.

APPNOTE.TXT 6.3.10: 4.4.4 (bit 11, UTF-8), 4.6.9 (Info-ZIP's field 0x7075, the name in UTF-8), appendix D.
"""

import struct
import zlib

UTF8 = 0x800
"""Of an entry's flags: its name is said to be UTF-8."""

UNICODE_PATH = 0x7075
FIELD_BYTES, PATH_BYTES = 4, 5
"""Before what a field of ``extra`` holds; of that, before the name."""

LONG = "\u0800"
"""From here on a character is three bytes or more in UTF-8, as every Chinese one is."""


def decoded(raw: bytes, flags: int, extra: bytes) -> str | None:
    """The name ``raw`` of an entry; ``None``: nothing fits it.

    What says that it is UTF-8 and is not, is read as what Chinese Windows writes (GBK, a part of GB 18030), unless most
    of it is UTF-8: then it was damaged, and a wrong name that looks like a right one must not come of it. What says
    nothing of its encoding is always read: code page 437 has a character for each byte.
    """
    marked = bool(flags & UTF8)
    if marked and (name := _as(raw, "utf-8")) is not None:
        return name
    if (name := _beside(raw, extra)) is not None:
        return name
    if not marked:
        return _as(raw, "utf-8") or _as(raw, "gb18030") or raw.decode("cp437")
    return None if _mostly_utf8(raw) else _as(raw, "gb18030")


def shown(raw: bytes) -> str:
    """Of a name that fits nothing, what can be read; the rest is U+FFFD."""
    return raw.decode("utf-8", "replace")


def without_path(extra: bytes) -> bytes:
    """``extra`` with the field of the name unmarked: newer libraries read it too, and give up an archive for one."""
    blank = bytearray(extra)
    for at, kind, _ in _fields(extra):
        if kind == UNICODE_PATH:
            blank[at : at + 2] = b"\0\0"
    return bytes(blank)


def _as(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _beside(raw: bytes, extra: bytes) -> str | None:
    """What Info-ZIP writes beside a name, if it is of this very name."""
    for _, kind, data in _fields(extra):
        if kind == UNICODE_PATH and len(data) > PATH_BYTES:
            version, crc = struct.unpack_from("<BI", data)
            if version == 1 and crc == zlib.crc32(raw):
                return _as(data[PATH_BYTES:], "utf-8")
    return None


def _fields(extra: bytes) -> list[tuple[int, int, bytes]]:
    """Where each begins, its id, what it holds; up to the first that is cut off."""
    found, at = [], 0
    while at + FIELD_BYTES <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        end = at + FIELD_BYTES + length
        if end > len(extra):
            break
        found.append((at, kind, extra[at + FIELD_BYTES : end]))
        at = end
    return found


def _mostly_utf8(raw: bytes) -> bool:
    whole = sum(len(one.encode()) for one in raw.decode("utf-8", "ignore") if one >= LONG)
    return 2 * whole >= sum(byte > 0x7F for byte in raw)
