"""Unpacks a ZIP of recordings to a folder, entry by entry, within limits; what is refused is refused by name.

Nothing of an entry's name becomes a path: files are numbered. Nothing that the archive says of sizes is believed: bytes
are counted as they come out. Blocks; run it on a thread.
"""

import io
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from server.batches import faults
from server.batches.batch import UNREADABLE, Fault, NewFile, kept_name
from server.batches.entry_list import HEADER_BYTES, EntryName, ListReader, ListTooLargeError, list_bytes
from server.batches.entry_list import MAX_BYTES as MAX_LIST

BLOCK = 1024 * 1024

LOCAL, EMPTY = b"PK\x03\x04", b"PK\x05\x06"
ENCRYPTED = 0x1
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
    reader = ListReader(archive)
    try:
        if list_bytes(archive) > MAX_LIST:
            yield NewFile(name, 0, fault=faults.too_many(limits.files))
            return
        opened = zipfile.ZipFile(reader)
        entries = opened.infolist()
        named = list(zip(entries, reader.opened(one.header_offset for one in entries), strict=True))
        length = archive.seek(0, io.SEEK_END)
    except ListTooLargeError:
        yield NewFile(name, 0, fault=faults.too_many(limits.files))
        return
    except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError):
        yield NewFile(name, 0, fault=faults.damaged())
        return
    with opened:
        yield from _entries(opened, named, length, folder, first, limits)


def _entries(
    opened: zipfile.ZipFile,
    named: Sequence[tuple[zipfile.ZipInfo, EntryName]],
    length: int,
    folder: Path,
    first: int,
    limits: Limits,
) -> Iterator[NewFile]:
    """``length``: of the archive, bytes."""
    work = _Work(limits)
    misplaced = _misplaced(opened.infolist(), length)
    seen: set[str] = set()
    count = 0
    for entry, name in named:
        called = _called(name)
        if name.text.endswith("/") or _is_litter(name.text):
            continue
        if work.is_over:
            yield NewFile(called, 0, fault=faults.too_much_work())
            return
        if count >= limits.files:
            yield NewFile(called, 0, fault=faults.too_many(limits.files))
            return
        path = folder / str(first + count)
        count += 1
        fault = faults.damaged() if entry.header_offset in misplaced else _fault(entry, name, seen)
        if fault is None:
            size, fault = _unpack(opened, entry, path, work)
            if fault is None:
                work.left -= size
                yield NewFile(called, size, path.name)
                continue
            path.unlink(missing_ok=True)
        yield NewFile(called, 0, fault=fault)


def _fault(entry: zipfile.ZipInfo, name: EntryName, seen: set[str]) -> Fault | None:
    """``seen``: the names of those before it, to which its own is added."""
    if (fault := _fault_of_name(name, seen)) is not None:
        return fault
    if (entry.external_attr >> TYPE_SHIFT) & TYPES not in REGULAR:
        return faults.not_a_file()
    if entry.flag_bits & ENCRYPTED:
        return faults.encrypted()
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return faults.unknown_compression()
    return None


def _fault_of_name(name: EntryName, seen: set[str]) -> Fault | None:
    if not name.fits or not name.text:
        return faults.bad_name()
    text = name.text.replace("\\", "/")
    parts = PurePosixPath(text)
    if parts.is_absolute() or ".." in parts.parts or text[1:2] == ":" or "\0" in text:
        return faults.bad_path()
    both = {str(parts), _called(name)}
    if both & seen:
        return faults.same_name()
    seen |= both
    return None


def _called(name: EntryName) -> str:
    """Never empty."""
    return kept_name(name.text) or UNREADABLE


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


def _misplaced(entries: Sequence[zipfile.ZipInfo], length: int) -> set[int]:
    """Where entries begin that begin within another one, and those: a small archive could be unpacked for ever. The
    least that an entry takes are its fixed header and its bytes. And those that begin outside the archive: a file that
    is sought there says what a full disk says."""
    found = {one.header_offset for one in entries if not 0 <= one.header_offset < length}
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
