"""Which files an interrupted ``tingqing assess`` had judged, by size and time: what changed since is judged again."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from server.cli.console import cannot_write
from server.filenames import readable

SUFFIX = ".seen"

Stamp = tuple[int, int]
"""Bytes, and when they were last written, ns."""


def stamps_of(files: Sequence[tuple[str, Path]]) -> dict[str, Stamp]:
    """By the name under which each is told; without those that cannot be looked at. Take them before the judging."""
    found: dict[str, Stamp] = {}
    for name, path in files:
        with suppress(OSError):
            told = path.stat()
            found[readable(Path(name))] = (told.st_size, told.st_mtime_ns)
    return found


class Seen:
    """A file beside ``journal``: a line for each file that was judged. ``begin``, ``add`` for each, ``close``."""

    def __init__(self, journal: Path) -> None:
        self.path = journal.with_name(journal.name + SUFFIX)
        self._journal = journal
        self._stamps: dict[str, Stamp] = {}
        self._file: IO[str] | None = None

    def unchanged(self, names: set[str], now: dict[str, Stamp]) -> set[str]:
        """Those of ``names`` that are as they were judged. Of one that has no line, such as of an earlier version, or
        of a run that came to its end: whether it was written before the journal was. What is gone did not change."""
        before = self._read()
        written_ns = self._journal.stat().st_mtime_ns if names else 0
        return {
            name
            for name in names
            if name not in now or (now[name] == before[name] if name in before else now[name][1] <= written_ns)
        }

    def begin(self, stamps: dict[str, Stamp], kept: set[str]) -> None:
        """``stamps``: of all files as they are now; ``kept``: those that were judged before. Raises Failure."""
        before, self._stamps = self._read() if kept else {}, stamps
        try:
            self._file = self.path.open("w", encoding="utf-8")
        except OSError as error:
            raise cannot_write(self.path, error) from None
        for name in kept:
            if (stamp := before.get(name, stamps.get(name))) is not None:
                self._write(name, stamp)
        self._file.flush()

    def add(self, name: str) -> None:
        """It was judged as it was at the beginning."""
        if self._file is not None and name in self._stamps:
            self._write(name, self._stamps[name])
            self._file.flush()

    def close(self) -> None:
        """May be called twice."""
        if self._file is not None:
            self._file.close()

    def remove(self) -> None:
        """The run came to its end."""
        self.path.unlink(missing_ok=True)

    def _write(self, name: str, stamp: Stamp) -> None:
        assert self._file is not None
        self._file.write(json.dumps([name, *stamp]) + "\n")

    def _read(self) -> dict[str, Stamp]:
        """Half a line counts as none."""
        found: dict[str, Stamp] = {}
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return found
        for line in lines:
            with suppress(ValueError, TypeError):
                name, size, written_ns = json.loads(line)
                found[str(name)] = (int(size), int(written_ns))
        return found
