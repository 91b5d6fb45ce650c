"""One line per record, in either form, with the ids of its request and session."""

import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from server.logs import JsonLine, OneLine, configure_logging, lines_about, request_id

CHATTY = [
    "uvicorn.error",
    "uvicorn.access",
    "websockets",
    "websockets.server",
    "multipart",
    "python_multipart",
    "aiosqlite",
]


def formatted(message: str, exc_info: bool = False) -> str:
    record = logging.LogRecord(
        "server.x", logging.INFO, __file__, 1, message, None, sys.exc_info() if exc_info else None
    )
    return OneLine().format(record)


def test_a_record_is_one_line_whatever_it_holds() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        line = formatted("first\r\nsecond", exc_info=True)
    assert "\n" not in line
    assert "\r" not in line
    assert "Traceback" in line


def test_a_record_has_the_request_id() -> None:
    token = request_id.set("abc-1")
    assert "[abc-1]" in formatted("m")
    request_id.reset(token)
    assert "[-]" in formatted("m")


def in_json(message: str, fields: dict[str, Any] | None = None, exc_info: bool = False) -> dict[str, Any]:
    record = logging.LogRecord(
        "server.x", logging.INFO, __file__, 1, message, None, sys.exc_info() if exc_info else None
    )
    record.fields = fields or {}
    line = JsonLine().format(record)
    assert "\n" not in line
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_line_is_about_a_session_where_there_is_one() -> None:
    with lines_about("0123456789abcdef0123456789abcdef"):
        assert "[- 01234567]" in formatted("m")
        assert in_json("m")["session_id"] == "01234567"
    assert "[-]" in formatted("m")
    assert "session_id" not in in_json("m")


def test_a_session_id_that_a_stranger_wrote_is_not_repeated() -> None:
    with lines_about("../\n\x1b[31m"):
        assert "[- ?]" in formatted("m")


def test_json_has_the_fields_of_the_call_and_a_traceback_in_one_line() -> None:
    token = request_id.set("abc-1")
    try:
        raise ValueError("two\nlines")
    except ValueError:
        line = in_json("听\r\n清", {"status": 200, "path": object()}, exc_info=True)
    request_id.reset(token)
    assert line["message"] == "听\r\n清"
    assert line["level"] == "info"
    assert line["time"].endswith("+00:00")
    assert line["status"] == 200
    assert "Traceback" in line["traceback"]
    assert line["request_id"] == "abc-1"


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: (logging.getLogger(name).level, logging.getLogger(name).disabled) for name in CHATTY}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, (own, disabled) in levels.items():
        logging.getLogger(name).setLevel(own)
        logging.getLogger(name).disabled = disabled


@pytest.mark.usefixtures("logging_as_before")
def test_libraries_never_log_messages_of_peers_even_at_debug() -> None:
    configure_logging("debug")
    assert logging.getLogger("server.live").isEnabledFor(logging.DEBUG)
    for name in CHATTY:
        assert not logging.getLogger(name).isEnabledFor(logging.INFO), name
