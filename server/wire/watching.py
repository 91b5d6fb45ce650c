"""What only observers are told: what became of the prompts, and the course of the session before they came."""

from typing import Literal

from pydantic import Field

from server.wire.base import WireModel
from server.wire.common import Score


class PromptMutedMessage(WireModel):
    """To observers: the prompts that a doctor muted for this visit, all of them so far."""

    type: Literal["prompt.muted"] = "prompt.muted"
    ids: list[str]


class PromptDeclinedMessage(WireModel):
    """To observers: the prompts to which the patient said "not now" in this visit, all of them so far."""

    type: Literal["prompt.declined"] = "prompt.declined"
    ids: list[str]


class TrendPoint(WireModel):
    """One judged window, by its lowest quality label."""

    at_s: float = Field(description="End of the window.")
    score: Score | None = Field(
        description="The lowest label on a scale on which every label's threshold is 0.7; null where nobody spoke."
    )
