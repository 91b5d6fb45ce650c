"""Logging: one line per record, each with the request id. Peers' metadata, references and words are never logged."""

import logging
import sys
from contextvars import ContextVar
from typing import Literal

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""The id of the current request or socket; ``-`` outside of one."""


class OneLine(logging.Formatter):
    """``time level logger [request id] message``; line breaks, including those of tracebacks, become ``\\n``."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """One line: line breaks, which a peer may have sent, are written out."""
        record.request_id = request_id.get()
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")


def configure_logging(level: Literal["debug", "info", "warning", "error"]) -> None:
    """Log to standard error; call once, before serving."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # uvicorn logs the path of every WebSocket at INFO, and the path names a session that anyone could then observe.
    logging.getLogger("uvicorn.error").setLevel(max(logging.WARNING, root.level))
    logging.getLogger("uvicorn.access").disabled = True
    # aiosqlite logs the values of every statement at DEBUG, the secrets that sign tokens among them.
    for quiet in (
        "websockets",
        "multipart",
        "python_multipart",
        "httpx",
        "httpcore",
        "aiosqlite",
        "sqlalchemy",
        "alembic",
    ):
        logging.getLogger(quiet).setLevel(logging.WARNING)
