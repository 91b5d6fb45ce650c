"""The dictionaries that a server knows: what ``GET /v1/label-sets`` answers and ``tingqing labels list`` prints."""

from typing import Literal

from pydantic import Field

from server.wire.base import WireModel
from server.wire.common import Kind, Score, TextModel


class KnownLabel(WireModel):
    """A label as its dictionary has it, before a request changes threshold or weight."""

    id: str
    title: TextModel
    kind: Kind
    threshold: Score
    clear: Score
    weight: float
    aggregate: Literal["typical", "worst", "any"]
    aliases: list[str]
    evidence: list[Literal["acoustic", "clap", "transcript"]] = Field(description="What the label is judged by.")
    topic: str | None = Field(default=None, description="Of a content label: what a transcript is asked for.")
    expects: Literal["any", "stated", "denied"] | None = None
    prompt: TextModel | None = None
    endangers: TextModel | None = None
    advice: TextModel | None = None
    dictionary: str = Field(description="Where it is written; another one's name where it is included.")


class LabelSetModel(WireModel):
    """A dictionary; ``name`` is what ``labels`` may hold everywhere."""

    name: str
    title: TextModel
    version: str
    digest: str = Field(description="Of the labels as they stand; that of a result which judged by all of them.")
    labels: list[KnownLabel]


class LabelSetsModel(WireModel):
    """``default`` is the dictionary that applies where no labels are asked for."""

    default: str
    label_sets: list[LabelSetModel]
