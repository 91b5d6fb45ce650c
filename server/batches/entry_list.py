"""The list of entries at the end of a ZIP (APPNOTE.TXT, 4.3.12 to 4.3.16): how large it is, and the names in it.

The library gives up an archive for one name that it cannot decode. So it is handed list and entries with no word of
how names are encoded, and reads each byte as a character of its own; here they are read by ``entry_names``.
"""

import io
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from server.batches.entry_names import UTF8, decoded, shown, without_path

MAX_BYTES = 4 * 1024 * 1024
"""Of the list: it is read into memory as a whole."""

ENTRY, END, LOCATOR, END_64 = b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
ENTRY_BYTES, END_BYTES, LOCATOR_BYTES, END_64_BYTES, MAX_COMMENT = 46, 22, 20, 56, 65_535
FLAGS_AT, LENGTHS_AT = 8, 28
"""In an entry of the list; the lengths are of its name, its extra field and its comment, which follow it."""

HEADER_BYTES, HEADER_FLAGS_AT = 30, 6
"""Of an entry where it begins, before its name there."""


class ListTooLargeError(Exception):
    """The list of entries is larger than what was read of its size."""


@dataclass(frozen=True, slots=True)
class EntryName:
    """``text``: with folders. ``fits``: whether its bytes fit an encoding; else it is what can be read of them."""

    text: str
    fits: bool


class ListReader:
    """An archive as the library may read it: of its list nothing over ``MAX_BYTES`` is read at once (two readers may
    find two ends in one archive, and the library goes by its own), and names are bytes. Call ``opened`` once the
    library has opened it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable
        self._names: list[EntryName] = []
        self._starts: frozenset[int] | None = None

    def read(self, size: int = -1) -> bytes:
        """Raises ListTooLargeError."""
        if size > MAX_BYTES:
            raise ListTooLargeError
        at = self._file.tell()
        data = self._file.read(size)
        if self._starts is None:
            if size > 0 and data.startswith(ENTRY):
                data, self._names = _unmarked(data)
        elif size == HEADER_BYTES == len(data) and at in self._starts:
            data = _without_mark(data, HEADER_FLAGS_AT)
        return data

    def opened(self, starts: Iterable[int]) -> list[EntryName]:
        """The names of the entries, in the order of the list. ``starts``: where they begin; what is read elsewhere from
        now on is left as it is, for a recording may look like a list."""
        self._starts = frozenset(starts)
        return self._names


def _without_mark(data: bytes, at: int) -> bytes:
    """Its flags, which are ``at``, without the one of UTF-8."""
    (flags,) = struct.unpack_from("<H", data, at)
    return data[:at] + struct.pack("<H", flags & ~UTF8) + data[at + 2 :]


def _unmarked(listed: bytes) -> tuple[bytes, list[EntryName]]:
    """The list without a word of how names are encoded, and the names."""
    found, blank, at = [], bytearray(listed), 0
    while at + ENTRY_BYTES <= len(listed) and listed.startswith(ENTRY, at):
        (flags,) = struct.unpack_from("<H", listed, at + FLAGS_AT)
        name, extra, comment = struct.unpack_from("<3H", listed, at + LENGTHS_AT)
        name_at = at + ENTRY_BYTES
        blank[at:name_at] = _without_mark(listed[at:name_at], FLAGS_AT)
        raw, fields = listed[name_at : name_at + name], listed[name_at + name : name_at + name + extra]
        blank[name_at + name : name_at + name + extra] = without_path(fields)
        text = decoded(raw, flags, fields)
        found.append(EntryName(shown(raw) if text is None else text, text is not None))
        at = name_at + name + extra + comment
    return bytes(blank), found


def list_bytes(archive: BinaryIO) -> int:
    """Bytes of its list of entries, as its end says; the library would read them all.

    Raises ValueError, struct.error.
    """
    length = archive.seek(0, io.SEEK_END)
    tail_at = max(0, length - MAX_COMMENT - END_BYTES - LOCATOR_BYTES)
    archive.seek(tail_at)
    tail = archive.read()
    end_at = tail.rfind(END)
    if end_at < 0:
        raise ValueError("no end")
    size = int(struct.unpack_from("<I", tail, end_at + 12)[0])
    if tail[end_at - LOCATOR_BYTES : end_at - LOCATOR_BYTES + 4] == LOCATOR and end_at >= LOCATOR_BYTES:
        (at,) = struct.unpack_from("<Q", tail, end_at - LOCATOR_BYTES + 8)
        # Where something stands before the archive, the end of its 64-bit form is just before the locator instead.
        for place in (at, tail_at + end_at - LOCATOR_BYTES - END_64_BYTES):
            if not 0 <= place <= length - END_64_BYTES:
                continue
            archive.seek(place)
            end_64 = archive.read(END_64_BYTES)
            if end_64.startswith(END_64):
                size = max(size if size != 0xFFFFFFFF else 0, int(struct.unpack_from("<Q", end_64, 40)[0]))
    archive.seek(0)
    return size
