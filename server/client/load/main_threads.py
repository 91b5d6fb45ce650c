"""CPU time of the main threads of a process and its children, where event loops run, and where there is a ``/proc``."""

import os
from pathlib import Path


def main_threads_cpu_s(pid: int) -> float | None:
    """User and system seconds so far; ``None`` where the system does not tell."""
    own = _of_thread(pid)
    if own is None:
        return None
    return own + sum(filter(None, map(main_threads_cpu_s, _children(pid))))


def _of_thread(pid: int) -> float | None:
    try:
        fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if len(fields) > 12 else None


def _children(pid: int) -> list[int]:
    """Of any thread: a process is its parent's thread's child."""
    found: list[int] = []
    for told in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, told.read_text(encoding="utf-8").split())
        except OSError:  # the thread has ended
            continue
    return found
