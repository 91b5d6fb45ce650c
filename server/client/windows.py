"""Fetches all windows of a long session over HTTP: ``session.ended`` lists some of them and says where the rest is."""

import urllib.error
import urllib.request
from urllib.parse import urlsplit, urlunsplit

from pydantic import ValidationError

from server.errors import ClientError
from server.loopback import is_loopback
from server.wire.result import WindowModel, WindowPage
from server.wire.server import SessionEnded

WITHIN_S = 30.0
MOST_PAGES = 1000
MOST_OF_PAGE = 16 * 1024 * 1024
"""Bytes; the server's pages have a twentieth of it."""
STREAM = "/v1/stream"


def completed(ended: SessionEnded, url: str, key: str | None = None) -> SessionEnded:
    """``ended`` with all windows; the same if it has them. ``url``: the socket's address, as of ``stream_url``.

    Blocks. Raises ClientError if the server does not give them: what ``ended`` has is complete but for these.
    """
    if ended.windows is None:
        return ended
    parts = urlsplit(url)
    prefix = parts.path.removesuffix(STREAM) if parts.path.endswith(STREAM) else ""
    scheme = {"ws": "http", "wss": "https"}[parts.scheme]
    address = urlunsplit((scheme, parts.netloc, prefix + ended.windows.path, "", ""))
    windows: list[WindowModel] = []
    cursor: str | None = "0"
    for _ in range(MOST_PAGES):
        page = _page(f"{address}?cursor={cursor}", parts.hostname or "", key)
        windows += page.windows
        if (cursor := page.next) is None:
            break
    result = ended.result.model_copy(update={"windows": windows})
    return ended.model_copy(update={"result": result, "windows": None})


def _page(address: str, host: str, key: str | None) -> WindowPage:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    request = urllib.request.Request(address, headers=headers)
    opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if is_loopback(host) else []))
    try:
        with opener.open(request, timeout=WITHIN_S) as answer:
            text = answer.read(MOST_OF_PAGE + 1)
            if len(text) > MOST_OF_PAGE:
                raise ClientError("the windows of this long session come in pages that are too large.")
            return WindowPage.model_validate_json(text)
    except (OSError, ValidationError) as error:
        status = f"HTTP {error.code}" if isinstance(error, urllib.error.HTTPError) else type(error).__name__
        raise ClientError(f"the windows of this long session could not be fetched ({status}).") from None
