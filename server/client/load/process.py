"""What another process of this machine uses, where there is a ``/proc``."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """``cpu_s``: user and system time so far. ``None``: this system does not tell."""

    cpu_s: float | None
    resident_bytes: int | None
    threads: int | None
    descriptors: int | None


def family_use(pid: int) -> ProcessUse:
    """Of process ``pid`` and those that it started, now."""
    folder = Path(f"/proc/{pid}")
    children = [int(child) for child in _text(folder / "task" / str(pid) / "children").split()]
    uses = [process_use(pid), *(family_use(child) for child in children)]
    return ProcessUse(
        _sum([use.cpu_s for use in uses]),
        _sum([use.resident_bytes for use in uses]),
        _sum([use.threads for use in uses]),
        _sum([use.descriptors for use in uses]),
    )


def _sum(values: Sequence[Number | None]) -> Number | None:
    known = [value for value in values if value is not None]
    total = known[0] if known else None
    for value in known[1:]:
        total = value if total is None else total + value
    return total


def process_use(pid: int) -> ProcessUse:
    """Of process ``pid``, now."""
    folder = Path(f"/proc/{pid}")
    fields = _text(folder / "stat").rpartition(")")[2].split()
    ticks = os.sysconf("SC_CLK_TCK")
    return ProcessUse(
        cpu_s=(int(fields[11]) + int(fields[12])) / ticks if len(fields) > 12 else None,
        resident_bytes=_status(folder, "VmRSS", 1024),
        threads=_status(folder, "Threads", 1),
        descriptors=_entries(folder / "fd"),
    )


def _status(folder: Path, name: str, unit: int) -> int | None:
    for line in _text(folder / "status").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * unit
    return None


def _entries(folder: Path) -> int | None:
    try:
        return len(os.listdir(folder))
    except OSError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
