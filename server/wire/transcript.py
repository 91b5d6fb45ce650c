"""What was said: segments of a recogniser, and what observers are told of them."""

from typing import Literal, Self

from pydantic import Field, model_validator

from server.wire.base import WireModel

MAX_SEGMENTS = 100
MAX_CHARACTERS = 10_000
"""Of all segments of a message: ten minutes of speech."""


class Segment(WireModel):
    """One utterance. A later segment of the same ``id`` replaces the earlier one, while that is one of the last two."""

    id: str = Field(min_length=1, max_length=100)
    text: str = Field(max_length=2000)
    start_s: float = Field(ge=0, le=1e6, description="Seconds of the session's audio.")
    end_s: float = Field(ge=0, le=1e6)
    speaker: Literal["patient", "doctor", "other"] | None = None
    final: bool = Field(strict=True, description="What is not final is not judged yet.")
    language: str | None = Field(default=None, max_length=35, description="BCP 47; told by the text where absent.")


class TranscriptBody(WireModel):
    """Segments in the order in which they were said."""

    segments: list[Segment] = Field(
        min_length=1, max_length=MAX_SEGMENTS, description=f"Of {MAX_CHARACTERS} characters of text together at most."
    )

    @model_validator(mode="after")
    def _is_short(self) -> Self:
        if sum(len(one.text) for one in self.segments) > MAX_CHARACTERS:
            raise ValueError(f"the texts of a message may have {MAX_CHARACTERS} characters together; send several")
        return self


class Transcript(TranscriptBody):
    """What was said, by the integrator's own recogniser. Its text is kept for two utterances, and nowhere written."""

    type: Literal["transcript"]


class SaidLabel(WireModel):
    """A content label so far. ``strength``: how certain it is, 0 if it was not heard."""

    state: Literal["stated", "denied", "not_heard"]
    strength: float = Field(ge=0, le=1)
    heard_at_s: float | None = Field(default=None, ge=0, description="Start of the segment that decided it.")


class SaidMessage(WireModel):
    """To observers, when it changes: what was said so far, never its words. The patient gets it only in the result."""

    type: Literal["said"] = "said"
    labels: dict[str, SaidLabel] = Field(description="Content labels whose topic has rules, by id.")
    missing: list[str] = Field(description="Ids of those that nobody spoke of yet, in the order of the labels.")
