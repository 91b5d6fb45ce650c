"""The real server of this checkout as a process of its own, and recordings as a browser can play them."""

import queue
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import soundfile

RATE = 16_000
UP_WITHIN_S = 180
DOWN_WITHIN_S = 30


def chromium() -> str | None:
    """Where Chromium is; the shell before the whole program: the same engine, without windows."""
    programs = ("chromium-headless-shell", "chromium", "google-chrome")
    return next(filter(None, map(shutil.which, programs)), None)


@contextmanager
def running_server(*flags: str) -> Iterator[int]:
    """Yields its port. Raises TimeoutError with its output if it does not start."""
    command = [
        sys.executable,
        "-m",
        "server",
        "serve",
        "--port",
        "0",
        "--drain-s",
        "0",
        "--admission",
        "fixed",
        "--log-level",
        "warning",
    ]
    command += flags
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    lines: queue.Queue[str] = queue.Queue()
    # Its whole output is read, so that it never waits for a full pipe.
    reader = threading.Thread(target=_read, args=(process.stdout, lines))
    reader.start()
    try:
        yield _port(lines)
    finally:
        process.terminate()
        try:
            process.wait(DOWN_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        reader.join()


def _read(output: IO[str], lines: "queue.Queue[str]") -> None:
    with output:
        for line in output:
            lines.put(line)


def _port(lines: "queue.Queue[str]") -> int:
    said = ""
    while not (found := re.search(r"http://127\.0\.0\.1:(\d+)/", said)):
        try:
            said += lines.get(timeout=UP_WITHIN_S)
        except queue.Empty:
            raise TimeoutError(f"the server did not come up: {said}") from None
    return int(found[1])


def write_wav(path: Path, sources: list[Path], seconds: float = 60) -> Path:
    """The sources one after the other, the last one again and again: Chromium plays 16-bit WAV, in a loop."""
    read = [soundfile.read(source, dtype="int16") for source in sources]
    rate = read[0][1]
    assert all(each == rate for _, each in read)
    head = np.concatenate([np.zeros(0, np.int16), *(pcm for pcm, _ in read[:-1])])
    tail = read[-1][0]
    times = max(1, round((seconds * rate - head.size) / tail.size))
    soundfile.write(path, np.concatenate([head, np.tile(tail, times)]), rate, subtype="PCM_16")
    return path


def write_hum(path: Path, seconds: float = 20) -> Path:
    """A hum with noise, always the same."""
    noise = np.random.default_rng(7).normal(0, 0.03, round(RATE * seconds))
    hum = 0.1 * np.sin(2 * np.pi * 180 * np.arange(noise.size) / RATE)
    soundfile.write(path, (noise + hum).astype(np.float32), RATE, subtype="PCM_16")
    return path
