"""Unpacks a ZIP of recordings to a folder, entry by entry, within limits; what is refused is refused by name.

Nothing of an entry's name becomes a path: files are numbered. Nothing that the archive says of sizes is believed: bytes
are counted as they come out. Blocks; run it on a thread.
"""

import io
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from server.batches import faults
from server.batches.batch import Fault, NewFile

BLOCK = 1024 * 1024
MAX_DIRECTORY = 4 * 1024 * 1024
"""Bytes of the list of entries: it is read into memory as a whole."""

MAX_NAME = 200
LOCAL, EMPTY = b"PK\x03\x04", b"PK\x05\x06"
END, LOCATOR, END_64 = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
END_BYTES, LOCATOR_BYTES, END_64_BYTES, MAX_COMMENT = 22, 20, 56, 65_535
HEADER_BYTES = 30
"""Of an entry, before its name."""

ENCRYPTED, UTF8 = 0x1, 0x800
TYPE_SHIFT, TYPES, REGULAR = 16, 0o170000, (0, 0o100000)
"""Of the mode that Unix packers keep in the upper half of ``external_attr``."""


SLACK = 2
"""Bytes that are unpacked and refused count too: with those that are kept, they are at most so many times ``whole``."""

CPU_S, CPU_S_PER_MB = 5.0, 0.05
"""Of unpacking: for an archive, and for each megabyte that may come out of it. Ordinary ones take a tenth of it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``files`` of a batch, bytes of one ``file`` and of the ``whole``, as unpacked. ``room`` is asked before each
    megabyte is written, and raises OSError where the disk is nearly full."""

    files: int
    file: int
    whole: int
    room: Callable[[], None] = lambda: None


def is_zip(head: bytes) -> bool:
    """Whether a file that begins so is an archive, whatever its name."""
    return head.startswith((LOCAL, EMPTY))


def unpacked(archive: BinaryIO, folder: Path, first: int, limits: Limits, name: str) -> Iterator[NewFile]:
    """Its files, one after another, as ``folder/first``, ``folder/first+1`` …; folders and a Mac's own files are left
    out. What is over a limit is refused; where unpacking takes too much, so is the rest. ``name``: of the archive.
    Raises OSError if the disk is full."""
    try:
        if _directory_bytes(archive) > MAX_DIRECTORY:
            yield NewFile(name, 0, fault=faults.too_many(limits.files))
            return
        opened = zipfile.ZipFile(_InPieces(archive))
    except _DirectoryTooLargeError:
        yield NewFile(name, 0, fault=faults.too_many(limits.files))
        return
    except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError):
        yield NewFile(name, 0, fault=faults.damaged())
        return
    with opened:
        yield from _entries(opened, folder, first, limits)


class _DirectoryTooLargeError(Exception):
    """The list of entries is larger than what was read of its size."""


class _InPieces:
    """An archive of which nothing over ``MAX_DIRECTORY`` is read at once: two readers may find two ends in one archive,
    and the library goes by its own."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Raises _DirectoryTooLargeError."""
        if size > MAX_DIRECTORY:
            raise _DirectoryTooLargeError
        return self._file.read(size)


def _entries(opened: zipfile.ZipFile, folder: Path, first: int, limits: Limits) -> Iterator[NewFile]:
    work = _Work(limits)
    count = 0
    overlapping = _overlapping(opened.infolist())
    for entry in opened.infolist():
        name = _name(entry)
        if entry.is_dir() or _is_litter(name):
            continue
        if work.is_over:
            yield NewFile(name[-MAX_NAME:], 0, fault=faults.too_much_work())
            return
        if count >= limits.files:
            yield NewFile(name[-MAX_NAME:], 0, fault=faults.too_many(limits.files))
            return
        path = folder / str(first + count)
        count += 1
        fault = faults.damaged() if entry.header_offset in overlapping else _fault(entry, name)
        if fault is None:
            size, fault = _unpack(opened, entry, path, work)
            if fault is None:
                work.left -= size
                yield NewFile(name[-MAX_NAME:], size, path.name)
                continue
            path.unlink(missing_ok=True)
        yield NewFile(name[-MAX_NAME:], 0, fault=fault)


def _fault(entry: zipfile.ZipInfo, name: str) -> Fault | None:
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or name[1:2] == ":" or "\0" in name or not name:
        return faults.bad_path()
    if (entry.external_attr >> TYPE_SHIFT) & TYPES not in REGULAR:
        return faults.not_a_file()
    if entry.flag_bits & ENCRYPTED:
        return faults.encrypted()
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return faults.unknown_compression()
    return None


class _Work:
    """What unpacking an archive has taken. ``left``: bytes that may still be kept."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.left = limits.whole
        self._bytes = SLACK * limits.whole
        self._began = time.thread_time()
        self._cpu_s = CPU_S + CPU_S_PER_MB * limits.whole / 1e6

    def add(self, count: int) -> None:
        """Bytes have come out."""
        self._bytes -= count
        self.limits.room()

    @property
    def is_over(self) -> bool:
        """Whether nothing more may come out."""
        return self._bytes < 0 or time.thread_time() - self._began > self._cpu_s


def _overlapping(entries: Iterable[zipfile.ZipInfo]) -> set[int]:
    """Where entries begin that begin within another one, and those: a small archive could be unpacked for ever. The
    least that an entry takes are its fixed header and its bytes."""
    found: set[int] = set()
    end, last = 0, -1
    for entry in sorted(entries, key=lambda one: one.header_offset):
        if entry.header_offset < end:
            found |= {last, entry.header_offset}
        if (entry_end := entry.header_offset + HEADER_BYTES + entry.compress_size) > end:
            end, last = entry_end, entry.header_offset
    return found


def _unpack(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, work: _Work) -> tuple[int, Fault | None]:
    size, most = 0, min(work.limits.file, work.left)
    try:
        with opened.open(entry) as source, path.open("xb") as target:
            while block := source.read(BLOCK):
                work.add(len(block))
                if not size and is_zip(block):
                    return 0, faults.nested()
                size += len(block)
                if size > most:
                    return 0, faults.too_large(most)
                if work.is_over:
                    return 0, faults.too_much_work()
                target.write(block)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error, ValueError):
        return 0, faults.damaged()
    return (size, None) if size else (0, faults.empty())


def _is_litter(name: str) -> bool:
    """What a Mac or Windows adds beside the files."""
    parts = PurePosixPath(name).parts
    last = parts[-1] if parts else ""
    return "__MACOSX" in parts or last in (".DS_Store", "Thumbs.db") or last.startswith("._")


def _name(entry: zipfile.ZipInfo) -> str:
    """Packers on Chinese Windows write GBK and do not say so; the library reads that as code page 437."""
    if entry.flag_bits & UTF8:
        return entry.filename
    try:
        raw = entry.filename.encode("cp437")
    except UnicodeEncodeError:
        return entry.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def _directory_bytes(archive: BinaryIO) -> int:
    """Bytes of its list of entries, as its end says; the library would read them all (APPNOTE.TXT, 4.3.14 to 4.3.16).

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
