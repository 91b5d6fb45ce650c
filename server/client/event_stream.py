"""Reads server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """``id``: of the last event that had one, empty before."""

    name: str
    data: str
    id: str


def events_of(lines: Iterable[bytes]) -> Iterator[ServerEvent]:
    """Each as soon as its last line has come; one that breaks off is none. ``lines``: with their ends, of LF or CRLF;
    fields that nobody needs here, such as ``retry``, are passed over."""
    name, last = "", ""
    data: list[str] = []
    for line in lines:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if not text:
            if data:
                yield ServerEvent(name or "message", "\n".join(data), last)
            name, data = "", []
            continue
        field, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id" and "\0" not in value:
            last = value
