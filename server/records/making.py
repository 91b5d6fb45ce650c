"""From a result to what is kept of it."""

import re
import zlib
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from server.assessment.result import Result
from server.judge.labels import LabelKind
from server.records.kept import MAX_TEXT, MOST_LEVELS, KeptRecord, RecordKind, local_day
from server.rendering.results import result_json
from server.rendering.thinning import thinned

LEVEL = 6
"""zlib's default: a minute of audio takes about 10 kB."""

DEPARTMENT = "department"
MAX_DEPARTMENT = 64
MAX_LABELS = 64
_LABEL_ID = re.compile(r"[a-z0-9_]{1,64}")


def record_of(
    result: Result,
    site: str,
    *,
    started_at: datetime,
    ended_at: datetime,
    result_text: str | None = None,
    reason: str | None = None,
    prompts: tuple[int, int] = (0, 0),
    first_usable_s: float | None = None,
) -> KeptRecord:
    """Takes some milliseconds for each minute of audio: call it on a thread where others wait.

    ``result_text``: the result as JSON, if it was written already. ``prompts``: raised and followed. The other
    arguments are as in ``KeptRecord``.
    """
    identity, overall, by = result.identity, result.overall, result.provenance
    return KeptRecord(
        id=identity.id,
        site=site,
        kind=RecordKind(identity.kind),
        started_at=started_at,
        ended_at=ended_at,
        day=local_day(ended_at),
        reference=plain_text(identity.reference),
        name=plain_text(identity.name),
        attempt_of=identity.attempt_of,
        label_set=plain_text(by.dictionary) or "",
        department=department_of(identity.metadata),
        mode=result.mode.value,
        basis=result.basis.value,
        verdict=overall.verdict,
        grade=overall.grade,
        score=overall.score,
        duration_s=result.duration_s,
        speech_s=result.speech_s,
        reason=reason,
        prompts_raised=prompts[0],
        prompts_followed=prompts[1],
        first_usable_s=first_usable_s,
        doubt=_doubt(result),
        labels=_judged(result),
        body=packed(result_json(thinned(result)) if result_text is None else result_text),
        levels=levels_of(result.peaks),
    )


def levels_of(peaks: Sequence[int]) -> bytes | None:
    """As ``KeptRecord`` has them. ``peaks``: as of ``Result``; empty for a session."""
    parts = min(len(peaks), MOST_LEVELS)
    edges = [at * len(peaks) // parts for at in range(parts + 1)] if parts else []
    return bytes(-max(peaks[start:end]) for start, end in pairwise(edges)) or None


def packed(text: str) -> bytes:
    """A body of a record."""
    return zlib.compress(text.encode(errors="replace"), LEVEL)


def unpacked(body: bytes) -> str:
    """The text again. Raises zlib.error for anything else."""
    return zlib.decompress(body).decode()


def department_of(metadata: object) -> str:
    """``metadata.department`` where it is a text; empty otherwise. At most 64 characters, without outer spaces."""
    given = metadata.get(DEPARTMENT) if isinstance(metadata, dict) else None
    return (plain_text(given.strip()) or "")[:MAX_DEPARTMENT] if isinstance(given, str) else ""


def plain_text(given: str | None) -> str | None:
    """What any database takes: no half of a character, no zero byte; at most ``MAX_TEXT`` characters."""
    return None if given is None else given.encode(errors="replace").decode().replace("\x00", "")[:MAX_TEXT]


def _judged(result: Result) -> dict[str, bool]:
    """Those of dictionaries: a label of one's own words is nothing to count over a year."""
    judged = {
        label_id: one.passed
        for label_id, one in result.labels.items()
        if one.passed is not None and one.label.asked_as is None and _LABEL_ID.fullmatch(label_id)
    }
    return dict(list(judged.items())[:MAX_LABELS])


def _doubt(result: Result) -> float | None:
    """How far the recording is from the other verdict: an accepted one from the first label that would fail it, any
    other one from where its worst label would pass."""
    gaps = [
        one.score.score - one.label.threshold
        for one in result.labels.values()
        if one.label.kind is LabelKind.QUALITY and one.score.score is not None
    ]
    if not gaps or result.overall.verdict is None:
        return None
    return abs(min(gaps))
