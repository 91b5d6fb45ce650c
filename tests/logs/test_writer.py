"""Lines for a stream that is slow, stuck, closed or full: whoever logs never waits and never fails."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.logs import LineWriter, OneLine, write_within


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        try:
            os.close(end)
        except OSError:  # the test closed it
            continue


def logger_to(writer: LineWriter) -> logging.Logger:
    logger = logging.Logger("server.test")
    writer.setFormatter(OneLine())
    logger.addHandler(writer)
    return logger


def test_lines_come_whole_and_in_order(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    writer = LineWriter(writing)
    logger = logger_to(writer)
    logger.warning("first %s", "x" * 20_000)
    logger.warning("second 听清")
    with os.fdopen(os.dup(reading), encoding="utf-8") as lines:
        assert lines.readline().rstrip().endswith("x" * 20_000)
        assert lines.readline().rstrip().endswith("second 听清")
    writer.close()


def test_a_pipe_that_nobody_reads_delays_nobody_and_is_told_of_what_it_lost(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    writer = LineWriter(writing, room_bytes=100_000)
    logger = logger_to(writer)
    for _ in range(5_000):
        logger.warning("y" * 100)
    assert writer.dropped > 1_000
    with os.fdopen(os.dup(reading), encoding="utf-8") as lines:
        told = next(line for line in lines if "lost" in line)
    assert told == f"{writer.dropped} lines of the log were lost: nobody read them\n"
    writer.close()


def test_closing_before_a_stuck_pipe_ends_and_leaves_no_thread(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.logs.writer.LAST_S", 0.05)
    writer = LineWriter(pipe[1])
    logger = logger_to(writer)
    for _ in range(100):
        logger.warning("z" * 10_000)
    thread = writer._thread
    assert thread is not None
    writer.close()
    thread.join(60)  # a busy machine lets it run when it can
    assert not thread.is_alive()


def test_a_reader_that_has_gone_is_no_error(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.close(reading)
    writer = LineWriter(writing)
    logger = logger_to(writer)
    logger.warning("to nobody")
    writer.flush()
    logger.warning("to nobody")
    writer.close()
    assert not write_within(writing, b"to nobody\n", 0.0)


def test_a_full_disk_is_no_error() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        writer = LineWriter(full)
        logger_to(writer).warning("no room")
        writer.close()
    finally:
        os.close(full)


def test_a_record_that_cannot_be_formatted_is_told_instead_of_raised(tmp_path: Path) -> None:
    path = tmp_path / "log"
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        writer = LineWriter(file)
        logger_to(writer).warning("%d", "no number")
        writer.close()
    finally:
        os.close(file)
    assert path.read_text(encoding="utf-8") == "a line of server.test could not be formatted\n"


def test_what_a_full_pipe_does_not_take_in_time_is_left_out(pipe: tuple[int, int]) -> None:
    assert write_within(pipe[1], b"x" * 4_096, 0.0)
    assert not write_within(pipe[1], b"x" * 1_000_000, 0.0)
