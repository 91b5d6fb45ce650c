"""The dictionaries of a server, as returned by ``GET /v1/label-sets`` and printed by ``tingqing labels list``."""

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
    aggregate: Literal["typical", "worst", "best", "any"]
    aliases: list[str]
    evidence: list[Literal["acoustic", "clap", "transcript"]] = Field(description="The evidence for the label.")
    topic: str | None = Field(default=None, description="For a content label: the topic sought in a transcript.")
    expects: Literal["any", "stated", "denied"] | None = None
    prompt: TextModel | None = None
    endangers: TextModel | None = None
    advice: TextModel | None = None
    dictionary: str = Field(description="The dictionary that defines it; another one if included.")


class KnownRule(WireModel):
    """A rule of a dictionary: ``event`` happens when its condition on ``label`` holds."""

    id: str
    label: str
    when: str = Field(description="As in 'state == \"stated\"'.")
    event: str
    at: Literal["live", "end"] = Field(description="As soon as it holds in a session, or in the result.")
    title: TextModel | None = None


class LabelSetModel(WireModel):
    """A dictionary; ``labels`` accepts its ``name`` everywhere."""

    name: str
    title: TextModel
    version: str
    digest: str = Field(description="Digest of the labels, as in a result judged by all of them.")
    labels: list[KnownLabel]
    rules: list[KnownRule] = Field(default_factory=list)


class LabelSetsModel(WireModel):
    """``default`` is the dictionary that applies where no labels are asked for."""

    default: str
    label_sets: list[LabelSetModel]
