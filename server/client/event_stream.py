"""Reads server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

FIELDS = (b"event:", b"data:", b"id:")
"""Of events; other lines are comments or settings."""

MOST_OF_EVENT = 1024 * 1024
"""Bytes of a line, and characters of an event."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """``id``: of the last event that had one, empty before."""

    name: str
    data: str
    id: str


def lines_of(answer: BinaryIO) -> Iterator[bytes]:
    """Each with its end. Raises ValueError for one that is too long."""
    while line := answer.readline(MOST_OF_EVENT + 1):
        if len(line) > MOST_OF_EVENT:
            raise ValueError("an endless line")
        yield line


def events_of(lines: Iterable[bytes]) -> Iterator[ServerEvent]:
    """Each as soon as its last line has come; one that breaks off is none. ``lines``: with their ends, of LF or CRLF;
    fields that nobody needs here, such as ``retry``, are passed over. Raises ValueError for an event that is too
    long."""
    name, last, size = "", "", 0
    data: list[str] = []
    for line in lines:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if not text:
            if data:
                yield ServerEvent(name or "message", "\n".join(data), last)
            name, data, size = "", [], 0
            continue
        field, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
            size += len(value) + 1
            if size > MOST_OF_EVENT:
                raise ValueError("an endless event")
        elif field == "id" and "\0" not in value:
            last = value
