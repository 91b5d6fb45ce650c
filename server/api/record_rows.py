"""Kept results as rows of answers, and places in a list as cursors."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import Query
from pydantic import AwareDatetime, BeforeValidator

from server.api.services import Services
from server.errors import ConfigError, NoRecordsError
from server.records.kept import KeptRecord, RecordKind
from server.records.making import unpacked
from server.records.ports import Place, RecordStore, Wanted
from server.values.rounding import rounded, unit
from server.wire.common import Verdict
from server.wire.records import AssessmentRow

EPOCH = datetime.fromtimestamp(0, UTC)
FAR = datetime(9999, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DIGITS = 8
CURSOR = r"^e\d{1,17}-[0-9a-f]{8}$"


def written_out(value: object) -> object:
    """A time that is written out: numbers, which pydantic would take for seconds, are refused."""
    if isinstance(value, str) and value.replace(".", "", 1).lstrip("+-").isdigit():
        raise ValueError("write a time as in 2026-11-28T09:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(written_out)]
Since = Annotated[Moment | None, Query(alias="from", description="Ended then or later.")]
Until = Annotated[Moment | None, Query(alias="to", description="Ended before.")]
OfVerdict = Annotated[Verdict | None, Query()]
OfKind = Annotated[Literal["session", "file"] | None, Query()]
OfLabels = Annotated[str | None, Query(max_length=200, description="Name of a dictionary.")]
OfReference = Annotated[str | None, Query(max_length=200)]
OfDepartment = Annotated[str | None, Query(max_length=64)]


def records_of(services: Services) -> RecordStore:
    """Raises NoRecordsError where there are none."""
    if services.records is None:
        raise NoRecordsError(
            "This server keeps no results. Serve with --data-dir to keep them. "
            "此服务器不保存结果；请使用 --data-dir 启动。"
        )
    return services.records


def wanted(
    since: datetime | None,
    until: datetime | None,
    kind: str | None,
    verdict: str | None,
    labels: str | None,
    reference: str | None,
    department: str | None = None,
) -> Wanted:
    """What the query asks for. Raises ConfigError for a time that no database takes."""
    for name, given in (("from", since), ("to", until)):
        if given is not None and not EPOCH <= given < FAR:
            raise ConfigError(f"{name} is a time from 1970 to 9998.", param=name)
    return Wanted(since, until, None if kind is None else RecordKind(kind), verdict, labels, department, reference)


def row_of(record: KeptRecord) -> AssessmentRow:
    """Rounded as the results are."""
    return AssessmentRow.model_validate(
        {
            "id": record.id,
            "kind": record.kind.value,
            "started_at": record.started_at,
            "ended_at": record.ended_at,
            "reference": record.reference,
            "name": record.name,
            "attempt_of": record.attempt_of,
            "label_set": record.label_set,
            "department": record.department,
            "mode": record.mode,
            "basis": record.basis,
            "verdict": record.verdict,
            "grade": record.grade,
            "score": unit(record.score),
            "duration_s": rounded(record.duration_s) or 0.0,
            "speech_s": rounded(record.speech_s) or 0.0,
            "reason": record.reason,
            "prompts_raised": record.prompts_raised,
            "prompts_followed": record.prompts_followed,
            "first_usable_s": rounded(record.first_usable_s),
        }
    )


def with_result(row: str, record: KeptRecord) -> str:
    """``row``, a JSON object, with the result in it as it was kept. Takes milliseconds: call it on a thread."""
    return f'{row[:-1]},"result":{"null" if record.body is None else unpacked(record.body)}}}'


def cursor_after(records: Sequence[KeptRecord]) -> str:
    """A cursor is in addresses, and so in logs of proxies: no whole id."""
    last = records[-1]
    return f"e{(last.ended_at - EPOCH) // MICROSECOND}-{last.id[:DIGITS]}"


def place_in(cursor: str) -> Place:
    """Of a cursor like ``CURSOR``. The digits of the id stand for the whole: that two of one microsecond share them
    is left out of account."""
    microseconds, _, digits = cursor.removeprefix("e").partition("-")
    assert re.fullmatch(CURSOR, cursor), "checked by the route"
    return Place(EPOCH + int(microseconds) * MICROSECOND, digits)
