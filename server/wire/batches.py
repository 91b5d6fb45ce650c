"""Answers of ``/v1/batches``."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from server.wire.base import WireModel


class BatchModel(WireModel):
    """How far a batch is. ``accepted`` and ``rejected`` are of the judged files; the rest have no verdict."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "0c9be1ac4f0d4a8cb2f05f2c0f7d7c1e",
                "reference": "March follow-ups",
                "state": "judging",
                "created_at": "2026-03-01T09:30:00Z",
                "finished_at": None,
                "files": 120,
                "waiting": 77,
                "judged": 41,
                "refused": 2,
                "accepted": 33,
                "rejected": 8,
                "left_s": 61.5,
                "manifest_unmatched": None,
            }
        }
    )

    id: str
    reference: str | None = None
    state: Literal["waiting", "judging", "done"]
    created_at: datetime
    finished_at: datetime | None = None
    files: int = Field(ge=0)
    waiting: int = Field(ge=0)
    judged: int = Field(ge=0)
    refused: int = Field(ge=0)
    accepted: int = Field(ge=0)
    rejected: int = Field(ge=0, description="To be recorded again: re-record or unusable.")
    left_s: float | None = Field(default=None, description="What it is likely to take; null: too early to tell.")
    manifest_unmatched: int | None = Field(
        default=None, description="In the answer to POST: lines of the manifest that name none of the files."
    )


class BatchList(WireModel):
    """A page of ``GET /v1/batches``, the latest first."""

    batches: list[BatchModel]
    next: str | None = Field(default=None, description="The cursor of the next page; null: this is the last.")
