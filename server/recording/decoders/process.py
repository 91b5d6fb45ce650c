"""A decoder in a process of its own, confined, killed when it hangs; what it writes is read as it comes."""

import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from server.recording.decoders.limits import DecoderLimits

LAUNCHER = Path(__file__).with_name("confined.py")
MOST_REMARKS = 65_536
"""Bytes of standard error that are kept; a file can make a decoder say more."""
READ_BYTES = 65_536

ENVIRONMENT = {"LC_ALL": "C", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""All that a decoder gets: no variable of the server's, which may hold a key. One thread: no stacks for a core each."""


class DecoderProcess:
    """``receive`` what it writes to standard output, in order, then ``close`` once.

    ``remarks`` is the beginning of what it wrote to standard error so far. Not for several threads at a time, but
    ``close`` may come from another one.
    """

    def __init__(self, command: Sequence[str | bytes | Path], limits: DecoderLimits) -> None:
        self.closed = False
        self.remarks = b""
        self._all_said = False
        self._patience_s = limits.patience_s
        self.process = subprocess.Popen(
            # -I, -S: neither variables nor the script's folder nor installed packages have a say in the launcher.
            [sys.executable, "-I", "-S", LAUNCHER, str(limits.memory), str(limits.cpu_s), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=ENVIRONMENT,
            # Ctrl+C in a terminal goes to the process group, but a server still finishes what it has begun.
            process_group=0,
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._output, self._errors = self.process.stdout, self.process.stderr
        self._heard = select.poll()
        for stream in (self._output, self._errors):
            self._heard.register(stream, select.POLLIN)

    def receive(self, size: int) -> bytes:
        """Exactly ``size`` bytes. Raises RuntimeError if it ends before that; TimeoutError, an OSError, if it hangs."""
        received = bytearray()
        while len(received) < size:
            part = self.receive_some(size - len(received))
            if not part:
                raise RuntimeError("the decoder ended")
            received += part
        return bytes(received)

    def receive_some(self, most: int) -> bytes:
        """At most ``most`` bytes, at least one; none once it has ended. Raises TimeoutError."""
        while True:
            for number in self._wait():
                if number == self._errors.fileno():
                    self._take_remarks()
                else:
                    return self._output.read(min(most, READ_BYTES))

    def sounded(self, seconds: float) -> None:
        """So much of the recording came out: it may take as long again."""
        self._patience_s += seconds

    def ended(self) -> int:
        """Wait for the end, which ``receive_some`` has told, and the last remarks; the exit code, or minus the signal.

        Raises TimeoutError.
        """
        try:
            code = self.process.wait(max(self._patience_s, 1.0))
        except subprocess.TimeoutExpired:
            raise TimeoutError("the decoder hangs") from None
        while self._take_remarks():
            pass
        return code

    def close(self) -> None:
        """End it at any point; may be called twice."""
        self.closed = True
        self.process.kill()
        self._output.close()
        self._errors.close()
        self.process.wait()

    def _wait(self) -> list[int]:
        """Which of its streams have something, standard error first. Raises TimeoutError."""
        began = time.monotonic()
        ready = [number for number, _ in self._heard.poll(max(0.0, self._patience_s) * 1000)]
        self._patience_s -= time.monotonic() - began
        if not ready:
            raise TimeoutError("the decoder hangs")
        return sorted(ready, key=lambda number: number != self._errors.fileno())

    def _take_remarks(self) -> bool:
        """Whether there was something; after its end, it is not asked again."""
        if self._all_said:
            return False
        said = self._errors.read(READ_BYTES)
        if not said:
            self._all_said = True
            self._heard.unregister(self._errors)
        self.remarks += said[: MOST_REMARKS - len(self.remarks)]
        return not self._all_said
