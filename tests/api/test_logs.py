"""One line per record, with the request id."""

import logging
import sys

from server.logs import OneLine, request_id


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
