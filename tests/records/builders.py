"""Records for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from server.records.kept import KeptRecord, RecordKind
from server.records.making import packed

START = datetime(2026, 3, 1, 9, tzinfo=UTC)


def id_of(number: int) -> str:
    """32 hex digits."""
    return f"{number:032x}"


def record(number: int = 1, **given: Any) -> KeptRecord:
    """A session of ward-3 that was accepted, ``number`` minutes after START."""
    ended = given.pop("ended_at", START + timedelta(minutes=number))
    fields: dict[str, Any] = {
        "id": id_of(number),
        "site": "ward-3",
        "kind": RecordKind.SESSION,
        "started_at": ended - timedelta(seconds=30),
        "ended_at": ended,
        "day": ended.strftime("%Y-%m-%d"),
        "label_set": "telemedicine",
        "verdict": "accept",
        "grade": "clear",
        "score": 0.81,
        "duration_s": 30.0,
        "speech_s": 20.0,
        "labels": {"low_background": True},
        "body": packed('{"id":"x"}'),
    }
    return KeptRecord(**fields | given)
