"""The settings of what is kept."""

from typing import Literal

from pydantic import BaseModel, Field


class RecordSettings(BaseModel):
    """A part of ``server.settings.Settings``."""

    keep: Literal["results", "nothing"] = Field(
        default="results", description="What of ended sessions and assessed files is kept in the data folder."
    )
    retain_days: int = Field(default=30, ge=1, le=36_500, description="For how many days results are kept.")
