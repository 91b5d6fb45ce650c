"""Takes a multipart body apart as it comes, straight to files: what waits for hours is not kept twice."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from server.batches.batch import kept_name
from server.batches.folder import room
from server.errors import MalformedMessageError, PayloadTooLargeError

MAX_FIELDS = 16
MAX_FIELD_BYTES = 64 * 1024
MAX_MANIFEST_BYTES = 4 * 1024 * 1024
MAX_HEADER_BYTES = 8 * 1024
MANIFEST = "manifest"
CHECK_BYTES = 4_000_000
"""After so many it is looked whether the disk has room for more."""


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """``size``: bytes that came; ``kept``: whether all of them are at ``path``, or there were too many."""

    name: str
    path: Path
    size: int
    kept: bool


@dataclass(slots=True)
class _Part:
    """The part that comes. ``file``: where it goes; ``None``: into memory."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: str = ""
    filename: str | None = None
    path: Path | None = None
    file: BinaryIO | None = None
    data: bytearray = field(default_factory=bytearray)
    size: int = 0


class Parts:
    """``feed`` what comes, then ``finish``; both block: call them on a thread, one at a time. ``close`` in the end.

    Raises MalformedMessageError, PayloadTooLargeError and, for a full disk, OSError. A file with more bytes than
    ``max_file`` is dropped and told; the rest of the body goes on.
    """

    def __init__(self, boundary: bytes, folder: Path, max_files: int, max_file: int) -> None:
        self._folder = folder
        self._max_files = max_files
        self._max_file = max_file
        self._part = _Part()
        self._header = (bytearray(), bytearray())
        self._whole = False
        self._unchecked = 0
        self.fields: dict[str, str] = {}
        self.manifest: bytes | None = None
        self.files: list[ReceivedFile] = []
        self.digest = hashlib.sha256()
        """Of names and contents of all parts, whatever the boundary is."""
        callbacks: dict[str, Callable[..., None]] = {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._add_header(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._add_header(1, data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_end,
            "on_part_data": lambda data, start, end: self._data(data[start:end]),
            "on_part_end": self._end,
            "on_end": self._all,
        }
        try:
            self._parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]  # as it documents them
        except FormParserError:
            raise _malformed() from None

    def feed(self, data: bytes) -> None:
        """The next bytes of the body."""
        try:
            self._parser.write(data)
        except FormParserError:
            raise _malformed() from None

    def finish(self) -> None:
        """The body is over."""
        try:
            self._parser.finalize()
        except FormParserError:
            raise _malformed() from None
        if not self._whole:
            raise _malformed()

    def close(self) -> None:
        """Nothing more comes."""
        if self._part.file is not None:
            self._part.file.close()

    def _begin(self) -> None:
        self._part = _Part()

    def _add_header(self, which: int, data: bytes) -> None:
        self._header[which].extend(data)
        if len(self._header[which]) > MAX_HEADER_BYTES:
            raise _malformed()

    def _header_end(self) -> None:
        name, value = self._header
        if len(self._part.headers) >= MAX_FIELDS:
            raise _malformed()
        self._part.headers[bytes(name).lower()] = bytes(value)
        name.clear()
        value.clear()

    def _headers_end(self) -> None:
        part = self._part
        _, options = parse_options_header(part.headers.get(b"content-disposition", b""))
        if b"name" not in options:
            raise _malformed()
        part.name = options[b"name"].decode("utf-8", "replace")
        if b"filename" in options:
            part.filename = options[b"filename"].decode("utf-8", "replace")
        self.digest.update(b"\0part\0" + options[b"name"] + b"\0" + options.get(b"filename", b"") + b"\0")
        if part.filename is not None and part.name != MANIFEST:
            if len(self.files) >= self._max_files:
                raise PayloadTooLargeError(
                    f"A batch has at most {self._max_files} files. Send the rest in another one.",
                    zh=f"一个批次最多 {self._max_files} 个文件。其余的请放到另一个批次。",
                    param="file",
                )
            part.path = self._folder / f"part-{len(self.files)}"
            part.file = part.path.open("xb")

    def _data(self, data: bytes) -> None:
        part = self._part
        part.size += len(data)
        self.digest.update(data)
        if part.file is None:
            most = MAX_MANIFEST_BYTES if part.name == MANIFEST else MAX_FIELD_BYTES
            if part.size > most:
                raise PayloadTooLargeError(f"{part.name[:40]}: over {most // 1024} kB.", param=part.name[:40])
            part.data += data
        elif part.size <= self._max_file:
            self._unchecked += len(data)
            if self._unchecked >= CHECK_BYTES:
                self._unchecked = 0
                room(self._folder)
            part.file.write(data)
        else:
            part.file.truncate(0)

    def _end(self) -> None:
        part = self._part
        if part.file is not None and part.path is not None:
            part.file.close()
            part.file = None
            name = kept_name(part.filename or "") or f"file {len(self.files) + 1}"
            self.files.append(ReceivedFile(name, part.path, part.size, part.size <= self._max_file))
        elif part.name == MANIFEST:
            self.manifest = bytes(part.data)
        else:
            if len(self.fields) >= MAX_FIELDS:
                raise MalformedMessageError(f"More than {MAX_FIELDS} fields.")
            self.fields[part.name] = part.data.decode("utf-8", "replace")

    def _all(self) -> None:
        self._whole = True


def _malformed() -> MalformedMessageError:
    return MalformedMessageError(
        "The multipart body cannot be read. Send each recording, or a ZIP of them, as a file in a field 'file'.",
        zh="无法读取 multipart 内容。请把录音或其 ZIP 压缩包作为文件放在字段 file 里发送。",
        param="file",
    )
