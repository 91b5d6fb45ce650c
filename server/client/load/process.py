"""What another process of this machine uses, where there is a ``/proc``."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """``cpu_s``: user and system time so far. ``None``: this system does not tell."""

    cpu_s: float | None
    resident_bytes: int | None
    threads: int | None
    descriptors: int | None


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
