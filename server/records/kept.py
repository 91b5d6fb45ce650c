"""A result that is kept: the row by which it is found, and the result itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

MAX_TEXT = 200
"""Longest reference, name or label set that is kept, in characters."""

MOST_LEVELS = 1000
"""More than a picture on a page has columns."""


class RecordKind(StrEnum):
    """Where the sound came from."""

    SESSION = "session"
    FILE = "file"


def local_day(at: datetime) -> str:
    """The date in the time zone of the machine (``TZ``), as ``2026-03-01``: a hospital's day is not that of UTC."""
    return at.astimezone().strftime("%Y-%m-%d")


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """One ended session or assessed file of ``site``. Never sound, never what was said.

    ``day``: on which it ended where the server stands (``local_day``), and under which it is counted, whatever the
    server's time zone is later.
    ``label_set``: names of the dictionaries, joined by ``+``; empty for labels of one's own alone. ``department``: from
    ``metadata.department``; empty where none was given. ``reason``: how a session ended. ``prompts_raised``: prompts
    for the patient; of these the patient followed ``prompts_followed``. ``first_usable_s``: seconds of audio until the
    first window that was good enough, of a session. ``basis``: what was judged, ``room`` or ``as_heard``; ``None`` in
    records of before it was kept. ``doubt``: how far the worst quality label's score is
    from its threshold, 0..1: near zero, the verdict could as well be the other. ``labels``: label id to whether it
    passed, of those that were judged. ``heard``: what a person said who listened, ``heard_at`` and ``heard_by``: when,
    and the id of the key; all three ``None`` where nobody said. ``body``: the result as JSON, UTF-8, compressed (zlib);
    ``None`` where there is none. ``levels``: of a file, the peak of each of up to ``MOST_LEVELS``
    equal parts, whole dB under full scale, a byte each, for a picture; ``None`` where it was not kept.
    """

    id: str
    site: str
    kind: RecordKind
    started_at: datetime
    ended_at: datetime
    day: str
    reference: str | None = None
    name: str | None = None
    attempt_of: str | None = None
    label_set: str = ""
    department: str = ""
    mode: str = "recording"
    basis: str | None = None
    verdict: str | None = None
    grade: str | None = None
    score: float | None = None
    duration_s: float = 0.0
    speech_s: float = 0.0
    reason: str | None = None
    prompts_raised: int = 0
    prompts_followed: int = 0
    first_usable_s: float | None = None
    doubt: float | None = None
    heard: bool | None = None
    heard_at: datetime | None = None
    heard_by: str | None = None
    labels: Mapping[str, bool] = field(default_factory=dict)
    body: bytes | None = None
    levels: bytes | None = None
