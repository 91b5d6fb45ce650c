"""Logging: one line per record, in one of two formats, written so that nobody waits for a reader.

Every line has the ids of its request and session, where there are any. Peers' metadata, references and words are never
logged. ``context`` holds what a line is about, ``formats`` writes it, ``writer`` brings it to a stream.
"""

import logging
import sys
from typing import Literal

from server.logs.context import LOGGED_ID, about_session, lines_about, request_id, session_id, why
from server.logs.formats import JsonLine, OneLine, without_library_traceback
from server.logs.writer import LineWriter, write_within

__all__ = [
    "LOGGED_ID",
    "JsonLine",
    "LineWriter",
    "OneLine",
    "about_session",
    "configure_logging",
    "lines_about",
    "request_id",
    "session_id",
    "why",
    "write_within",
]

QUIET = (
    "websockets",
    "multipart",
    "python_multipart",
    "httpx",
    "httpcore",
    "urllib3",
    # They log the values of every statement at DEBUG, the secrets that sign tokens among them.
    "aiosqlite",
    "sqlalchemy",
    "alembic",
)
"""Libraries that log at DEBUG or INFO what peers sent or what nobody may read."""


def configure_logging(
    level: Literal["debug", "info", "warning", "error"],
    form: Literal["text", "json"] = "text",
    *,
    handler: logging.Handler | None = None,
    worker: str = "",
) -> None:
    """Log to ``handler``, by default to standard error; call once. ``worker``: which of several processes this is.

    A server brings a ``LineWriter``, which never blocks.
    """
    handler = handler or logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLine(worker) if form == "json" else OneLine(worker))
    handler.addFilter(without_library_traceback)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # uvicorn logs the path of every WebSocket at INFO, and the path names a session that anyone could then observe.
    logging.getLogger("uvicorn.error").setLevel(max(logging.WARNING, root.level))
    logging.getLogger("uvicorn.access").disabled = True
    for quiet in QUIET:
        logging.getLogger(quiet).setLevel(logging.WARNING)
