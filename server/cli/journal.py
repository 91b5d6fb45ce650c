"""What an interrupted ``tingqing assess`` had done, beside its output, for ``--resume``."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from server.cli.asked import Asked
from server.cli.console import Failure, cannot_write, compact_json
from server.cli.outcomes import Told, ToldFile, line_of, of_line, of_result, unread_json
from server.cli.seen import Seen, Stamp

SUFFIX = ".part"
ASKED = "asked"


class Journal:
    """One line for each file that was judged, written as soon as it is; a line that a crash cut off is dropped.

    ``open``, ``add`` for each, ``close``; ``finished`` once the output is written. Files that could not be read are not
    in it: they are tried again.
    """

    heads = True
    """Whether its first line says what was asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._asked = ""
        self.changed: set[str] = set()
        self.seen = Seen(path)
        self._file: IO[bytes] | None = None

    @classmethod
    def beside(cls, output: Path) -> "Journal":
        """That of an output which is written at the end."""
        return cls(output.with_name(output.name + SUFFIX))

    def written(self, one: Told) -> str | None:
        """Its line, ``None`` if it has none."""
        return line_of(one) if isinstance(one, ToldFile) else None

    def parsed(self, line: bytes) -> Told:
        """What ``written`` gave. Raises ValueError."""
        return of_line(line)

    def done(self, digest: str, asked: Asked, now: dict[str, Stamp]) -> set[str]:
        """Names of what was judged and has not changed since; what has is forgotten. ``digest``: of the labels;
        ``now``: the files as they are. Raises Failure if something else was asked."""
        names = set()
        same = self._asked_then() in (None, asked.digest())
        for one in self.read():
            same &= (one.result.mode, one.result.reference) == (asked.mode.value, asked.reference)
            if not same:
                break
            if one.result.model.dictionary.digest != digest:
                raise Failure(
                    f"{self.path} was begun with other labels.",
                    zh=f"{self.path} 开始时用的是别的标签。",
                    hint="Name the same --labels, or leave out --resume.",
                    hint_zh="请给出相同的 --labels，或去掉 --resume。",
                )
            names.add(one.name)
        if not same:
            raise Failure(
                f"{self.path} was begun with other options.",
                zh=f"{self.path} 开始时用的是别的选项。",
                hint="Give the same ones, or leave out --resume.",
                hint_zh="请给出相同的选项，或去掉 --resume。",
            )
        unchanged = self.seen.unchanged(names, now)
        self.changed = names - unchanged
        return unchanged

    def read(self) -> Iterator[ToldFile]:
        """One at a time: a thousand results do not fit into memory."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for line in file:
                try:
                    one = self.parsed(line)
                except ValueError:
                    continue
                if isinstance(one, ToldFile) and one.name not in self.changed:
                    yield one

    def find(self, names: Iterable[str]) -> Iterator[ToldFile | None]:
        """That of each name, in the order of ``names``; ``None`` if it has none."""
        places: dict[str, int] = {}
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            at = 0
            for line in file:
                with suppress(ValueError):
                    if isinstance(kept := self.parsed(line), ToldFile):
                        places[kept.name] = at
                at += len(line)
            for name in names:
                one: Told | None = None
                if name in places:
                    file.seek(places[name])
                    one = self.parsed(file.readline())
                yield one if isinstance(one, ToldFile) else None

    def open(self, asked: Asked, stamps: dict[str, Stamp], kept: set[str] | None = None) -> None:
        """Begin it, or go on with what is ``kept``. ``stamps``: of the files as they are. Raises Failure if it cannot
        be written."""
        resume = kept is not None
        self._asked = asked.digest()
        try:
            if resume and self.path.exists():
                self._keep_results()
            self._file = self.path.open("ab" if resume else "wb")
            if self.path.stat().st_size == 0:
                self._file.write(self._head())
        except OSError as error:
            raise cannot_write(self.path, error) from None
        self.changed = set()
        self.seen.begin(stamps, kept or set())

    def add(self, one: Told) -> None:
        """Write it down, for good."""
        assert self._file is not None
        if (line := self.written(one)) is not None:
            self._file.write(line.encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            if isinstance(one, ToldFile):
                self.seen.add(one.name)

    def close(self) -> None:
        """May be called twice."""
        self.seen.close()
        if self._file is not None:
            self._file.close()

    def finished(self) -> None:
        """After ``close``: the output is written."""
        self.seen.remove()
        self.path.unlink(missing_ok=True)

    def _head(self) -> bytes:
        return json.dumps({ASKED: self._asked}).encode() + b"\n" if self.heads else b""

    def _asked_then(self) -> str | None:
        """``None``: it does not say."""
        if not self.heads or not self.path.exists():
            return None
        with self.path.open("rb") as file, suppress(ValueError):
            first = json.loads(file.readline())
            if isinstance(first, dict) and isinstance(first.get(ASKED), str):
                return str(first[ASKED])
        return None

    def _keep_results(self) -> None:
        """Drop half a line, and what could not be read: it is tried again."""
        kept = self.path.with_name(self.path.name + ".kept")
        with kept.open("wb") as file:
            file.write(self._head())
            for one in self.read():
                line = self.written(one)
                assert line is not None
                file.write(line.encode() + b"\n")
        kept.replace(self.path)


class LineJournal(Journal):
    """``results.jsonl`` itself: a result in each line, and what could not be read in its place."""

    heads = False

    def finished(self) -> None:
        """It is the output."""
        self.seen.remove()

    def written(self, one: Told) -> str:
        """A line of ``jsonl``."""
        return "".join(one.pieces()) if isinstance(one, ToldFile) else compact_json(unread_json(one))

    def parsed(self, line: bytes) -> Told:
        """A result. Raises ValueError for anything else, also for what could not be read."""
        return of_result(line.decode())
