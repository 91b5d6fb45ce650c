"""One line per record, with the request id."""

import logging
import sys
from collections.abc import Iterator

import pytest

from server.logs import OneLine, configure_logging, request_id

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
