"""Lines for a stream that may be closed, full, or a pipe that nobody reads: they never stop a server."""

import logging
import os
import select
import threading
import time
from collections import deque

ROOM_BYTES = 4_000_000
"""Of waiting lines. A reader that pauses for a minute loses nothing; one that is stuck costs this and no more."""

AT_ONCE = 4096
"""A pipe that is ready takes so many bytes without blocking (``PIPE_BUF`` of Linux, pipe(7))."""

LAST_S = 2.0
"""For so long a process that stops waits for its last lines to be taken."""

AGAIN_S = 0.2


def write_within(fd: int, data: bytes, within_s: float) -> bool:
    """Write ``data`` if the stream takes it within ``within_s`` seconds. Never raises; False if something is missing.

    Not through ``sys.stdout`` and its like: a thread that holds their lock at the exit of the interpreter aborts it.
    """
    until = time.monotonic() + within_s
    try:
        while data:
            left_s = max(0.0, until - time.monotonic())
            if not select.select([], [fd], [], left_s)[1]:
                return False
            try:
                data = data[os.write(fd, data[:AT_ONCE]) :]
            except BlockingIOError:
                time.sleep(min(0.01, left_s))
    except (OSError, ValueError):  # closed, its reader is gone, its disk is full
        return False
    return True


class LineWriter(logging.Handler):
    """Writes records to ``fd`` from a thread of its own; whoever logs never waits.

    Bounded: beyond ``room_bytes`` of waiting lines the newest are dropped and counted in ``dropped``; a line says how
    many, once there is room again. What a stream refuses for good is dropped. ``close`` waits ``LAST_S`` at most.
    """

    def __init__(self, fd: int, room_bytes: int = ROOM_BYTES) -> None:
        super().__init__()
        self.dropped = 0
        self._fd = fd
        self._room_bytes = room_bytes
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._untold = 0
        self._until: float | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Format here, where the context of the line is, and leave the rest to the thread."""
        try:
            line = (self.format(record) + "\n").encode("utf-8", "backslashreplace")
        except Exception:  # a log call with wrong arguments must not take down what it reports
            line = f"a line of {record.name} could not be formatted\n".encode()
        with self._changed:
            if self._until is not None or self._bytes + len(line) > self._room_bytes:
                self.dropped += 1
                self._untold += 1
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
            self._lines.append(line)
            self._bytes += len(line)
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until everything is written, ``LAST_S`` at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._bytes, LAST_S)

    def close(self) -> None:
        """Write what waits, within ``LAST_S``; later records are dropped."""
        with self._changed:
            if self._until is None:
                self._until = time.monotonic() + LAST_S
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(LAST_S + 2 * AGAIN_S)
        super().close()

    # -- on the thread

    def _run(self) -> None:
        while (line := self._next()) is not None:
            self._write(line)
            with self._changed:
                self._bytes -= len(line)
                self._changed.notify_all()

    def _next(self) -> bytes | None:
        """Waits for a line; ``None`` when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._untold or self._until is not None)
            if self._lines:
                return self._lines.popleft()
            if self._untold and self._until is None:
                told, self._untold = f"{self._untold} lines of the log were lost: nobody read them\n".encode(), 0
                self._bytes += len(told)
                return told
            return None

    def _write(self, line: bytes) -> None:
        while line:
            if self._until is not None and time.monotonic() > self._until:
                return
            try:
                if select.select([], [self._fd], [], AGAIN_S)[1]:
                    line = line[os.write(self._fd, line[:AT_ONCE]) :]
            except BlockingIOError:
                time.sleep(0.01)
            except (OSError, ValueError):
                return
