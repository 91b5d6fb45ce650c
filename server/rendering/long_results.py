"""``session.ended`` of any length: what is too much for one message goes in pages over HTTP."""

import zlib
from dataclasses import dataclass

from server.assessment.result import Result
from server.rendering.results import result_model
from server.rendering.thinning import thinned
from server.wire.result import WindowModel, WindowsElsewhere
from server.wire.server import EndReason, SessionEnded

MOST_BYTES = 768 * 1024
"""Of ``session.ended``. Clients commonly take 1 MiB, and an observer's last snapshot holds more beside it."""

PAGE_BYTES = 640 * 1024
LEVEL = 1


@dataclass(frozen=True, slots=True)
class RenderedEnd:
    """``ended``: the message as JSON. ``pages``: all windows, each a JSON array, compressed (zlib); none if ``ended``
    has them all."""

    ended: str
    pages: tuple[bytes, ...] = ()


def rendered_end(result: Result, reason: EndReason, path: str) -> RenderedEnd:
    """Takes a second or two for hours of audio: call it on a thread where others wait. ``path``: where pages are."""
    whole = result_model(result)
    ended = SessionEnded(reason=reason, result=whole).model_dump_json()
    size, count = len(ended.encode()), len(whole.windows)
    if size <= MOST_BYTES or not count:
        return RenderedEnd(ended)
    most, elsewhere = count, WindowsElsewhere(count=count, path=path)
    while size > MOST_BYTES and most > 1:
        most = max(1, int(most * MOST_BYTES / size * 0.95))
        short = result_model(thinned(result, most))
        ended = SessionEnded(reason=reason, result=short, windows=elsewhere).model_dump_json()
        size = len(ended.encode())
    return RenderedEnd(ended, tuple(_pages(whole.windows)))


def _pages(windows: list[WindowModel]) -> list[bytes]:
    pages: list[bytes] = []
    held: list[bytes] = []
    size = 0
    for window in windows:
        text = window.model_dump_json().encode()
        if held and size + len(text) > PAGE_BYTES:
            pages.append(_packed(held))
            held, size = [], 0
        held.append(text)
        size += len(text) + 1
    return [*pages, _packed(held)]


def _packed(texts: list[bytes]) -> bytes:
    return zlib.compress(b"[" + b",".join(texts) + b"]", LEVEL)
