"""How a record is written: the only place that formats. One line each, whatever a peer put into it."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from server.logs.context import request_id, session_id


class OneLine(logging.Formatter):
    """``time level logger [request session] message``; line breaks, including those of tracebacks, become ``\\n``."""

    def __init__(self, worker: str = "") -> None:
        """``worker``: which of several processes writes, before what the line is about."""
        super().__init__("%(asctime)s %(levelname)s %(name)s [%(about)s] %(message)s")
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """One line: line breaks, which a peer may have sent, are written out."""
        about = (self._worker, request_id.get(), session_id.get())
        record.about = " ".join(part for part in about if part)
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")


class JsonLine(logging.Formatter):
    """One JSON object (RFC 8259, ASCII) a line: ``time`` (UTC), ``level``, ``logger``, ``message``, ``request_id``,
    ``session_id``, ``worker`` and ``traceback`` where there are any, and what ``extra={"fields": {…}}`` of the call
    adds."""

    def __init__(self, worker: str = "") -> None:
        """``worker``: which of several processes writes."""
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """Values that JSON does not know are written as text; a record never fails to be written."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if self._worker:
            line["worker"] = self._worker
        if request_id.get() != "-":
            line["request_id"] = request_id.get()
        if session_id.get():
            line["session_id"] = session_id.get()
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, separators=(",", ":"), default=str)


def without_library_traceback(record: logging.LogRecord) -> bool:
    """What a peer did wrong takes one line: uvicorn adds a traceback to each message that is not UTF-8.

    A filter that keeps every record. The tracebacks of our own bugs come from ``server.*``.
    """
    if record.name.startswith("uvicorn") and record.exc_info and isinstance(record.exc_info[1], UnicodeDecodeError):
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True
