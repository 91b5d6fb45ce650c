"""Batches and their files as values, and the port to the store that keeps them."""

import zlib
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol

from server.assessment.result import Result
from server.batches.repeats import Answered
from server.values.labels import LabelQuery, RequestedLabel

Windows = Literal["thinned", "all", "none"]


class FileState(StrEnum):
    """``REFUSED``: it cannot be judged, and says why."""

    WAITING = "waiting"
    JUDGED = "judged"
    REFUSED = "refused"


class BatchState(StrEnum):
    """``WAITING``: none of its files was taken yet. ``DONE``: every file is judged or refused."""

    WAITING = "waiting"
    JUDGING = "judging"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class BatchPlace:
    """Where a batch stands in the list of its site. ``id``: or how it begins."""

    created_at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Options:
    """How all files of a batch are judged; as for ``POST /v1/assess``. ``channels``, ``raw``: as written there."""

    labels: LabelQuery = None
    mode: str = "recording"
    source: str = "file"
    channels: str | None = None
    raw: str | None = None
    windows: Windows = "none"

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        labels = self.labels
        if labels is not None and not isinstance(labels, str):
            asked = [[one.label, one.threshold, one.weight] for one in labels]
        return {
            "labels": labels if labels is None or isinstance(labels, str) else asked,
            "mode": self.mode,
            "source": self.source,
            "channels": self.channels,
            "raw": self.raw,
            "windows": self.windows,
        }

    @classmethod
    def of_plain(cls, plain: dict[str, Any]) -> "Options":
        """What ``plain`` made."""
        labels = plain["labels"]
        query = labels if labels is None or isinstance(labels, str) else [RequestedLabel(*one) for one in labels]
        return cls(query, plain["mode"], plain["source"], plain["channels"], plain["raw"], plain["windows"])


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file cannot be judged: ``code`` for programs, texts for people that say what to do."""

    code: str
    en: str
    zh: str


MAX_NAME = 200
CUT = "…"
"""Instead of the beginning of a longer name."""

UNREADABLE = "\ufffd"
"""Of a name what cannot be written."""


def kept_name(name: str) -> str:
    """Of a file: of more than ``MAX_NAME`` characters the last, and without zero bytes, which databases do not take."""
    name = name.replace("\0", UNREADABLE)
    return name if len(name) <= MAX_NAME else CUT + name[len(CUT) - MAX_NAME :]


def is_cut(name: str) -> bool:
    """Whether names of several files may have become this one."""
    return len(name) == MAX_NAME and name.startswith(CUT)


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file of a batch that came in. ``name``: as given; ``path``: its name in the batch's folder, ``None`` of one
    that is refused already. ``size``: bytes."""

    name: str
    size: int
    path: str | None = None
    fault: Fault | None = None
    reference: str | None = None
    attempt_of: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """``counts``: files by state, and ``accepted``, ``rejected`` results. ``bytes_done`` of ``bytes_all``, of the files
    that are judged; ``begun_at``: when the first was taken; ``finished_at``: when the last was settled."""

    id: str
    site: str
    reference: str | None
    created_at: datetime
    options: Options
    files: int
    judged: int = 0
    refused: int = 0
    accepted: int = 0
    rejected: int = 0
    bytes_all: int = 0
    bytes_done: int = 0
    begun_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def waiting(self) -> int:
        """Files that are still to be settled."""
        return self.files - self.judged - self.refused

    @property
    def state(self) -> BatchState:
        """As it is shown, and asked for in a list."""
        if not self.waiting:
            return BatchState.DONE
        return BatchState.WAITING if self.begun_at is None else BatchState.JUDGING

    @property
    def counts(self) -> dict[str, int]:
        """As ``batch.completed`` tells them."""
        return {
            "files": self.files,
            "judged": self.judged,
            "refused": self.refused,
            "accepted": self.accepted,
            "rejected": self.rejected,
        }

    def left_s(self, now: datetime) -> float | None:
        """Seconds that it is likely to take, by what was done so far; ``None``: too early to tell. 0: it is done."""
        if not self.waiting:
            return 0.0
        if self.begun_at is None or self.bytes_done <= 0:
            return None
        took_s = max(0.0, (now - self.begun_at).total_seconds())
        return took_s * max(0, self.bytes_all - self.bytes_done) / self.bytes_done


@dataclass(frozen=True, slots=True)
class TakenFile:
    """A file that this process alone judges. ``tries``: how many processes have ended while they judged it.
    ``position``: in its batch, from 1."""

    number: int
    batch_id: str
    site: str
    name: str
    reference: str | None
    attempt_of: str | None
    path: str
    size: int
    options: Options
    tries: int
    position: int = 1


@dataclass(frozen=True, slots=True)
class FileRow:
    """What is known of a file. ``settled``: counts the files of its batch in the order in which they were settled.
    ``result``: JSON text, packed as zlib does; of an hour it is megabytes."""

    position: int
    name: str
    size: int
    reference: str | None
    state: FileState
    settled: int | None = None
    verdict: str | None = None
    score: float | None = None
    result_id: str | None = None
    result: bytes | None = None
    fault: Fault | None = None

    def result_text(self) -> str | None:
        """The result, unpacked. Takes up to tenths of a second: call it on a thread."""
        return None if self.result is None else zlib.decompress(self.result).decode()


@dataclass(frozen=True, slots=True)
class Judgement:
    """A file's result, and its JSON as it is kept; ``began``: when its judging did."""

    result: Result
    began: datetime
    text: str = field(repr=False)


class BatchStore(Protocol):
    """Shared by all processes of a data folder. Another site's batch is none. Every method raises StoreError."""

    @property
    def shared(self) -> bool:
        """Whether other data folders share it: batches of this folder are deleted by others too, who cannot remove its
        files."""
        ...

    async def add(
        self,
        batch: Batch,
        files: Sequence[NewFile],
        most_waiting: int,
        most_bytes: int | None = None,
        answered: Answered | None = None,
    ) -> None:
        """With what is told of files that are refused already, and with ``answered``: all of it or nothing.

        Raises CapacityError if more than ``most_waiting`` files of its site would wait, or more bytes of them than
        ``most_bytes``."""
        ...

    async def find(self, site: str, batch_id: str) -> Batch | None:
        """With its counts as they are now."""
        ...

    async def page(
        self, site: str, state: BatchState | None, limit: int, after: BatchPlace | None = None
    ) -> Sequence[Batch]:
        """Of this site, the latest first; ``state``: those alone that are in it. ``after``: those behind this one."""
        ...

    async def rows(
        self, batch_id: str, *, after: int = 0, limit: int = 100, results: bool = False
    ) -> Sequence[FileRow]:
        """By position, from 1. ``results``: with the results themselves."""
        ...

    async def settled_since(self, batch_id: str, settled: int, limit: int = 200) -> Sequence[FileRow]:
        """Files that were settled after the ``settled``-th, in that order, without results."""
        ...

    async def delete(self, site: str, batch_id: str) -> bool:
        """With its results, and what waits to be told of it. False: there is none."""
        ...

    async def known(self) -> Mapping[str, AbstractSet[str]]:
        """All batches by their ids, each with the paths of its files that wait."""
        ...

    async def waiting(self) -> bool:
        """Whether a file waits for a process to judge it."""
        ...

    async def take(self) -> TakenFile | None:
        """The next file: of the site that was served longest ago, of its oldest batch. One whose process died is taken
        again."""
        ...

    async def held(self) -> set[int]:
        """The files that this process has taken and that were not deleted meanwhile."""
        ...

    async def judged(self, file: TakenFile, judgement: Judgement) -> None:
        """With all that is told of it, and of its batch if it was the last. Of a deleted file nothing is kept."""
        ...

    async def refused(self, file: TakenFile, fault: Fault) -> None:
        """The same for a file that cannot be judged."""
        ...

    async def ended(self, process_id: str) -> None:
        """That process has ended by itself: each file that it was judging counts it, and may be taken again."""
        ...

    async def forget(self, before: datetime) -> Sequence[str]:
        """Delete the batches that were finished before then; their ids."""
        ...
