"""The result of a file or session, as a value; whoever sends or stores it renders it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from server.assessment.findings import Event
from server.assessment.timeline import Timeline
from server.assessment.window_log import LoggedWindows
from server.judge.judgement import Span
from server.judge.labels import Label
from server.judge.rules import Match
from server.judge.said import Said
from server.judge.sounds import Interference
from server.values.audio import Basis
from server.values.measures import Measures
from server.values.mode import Mode
from server.values.notices import Notice
from server.values.plain import Json
from server.values.scores import LabelScore, Overall
from server.values.text import Text
from server.values.voices import Voice


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the result is about, as given by the caller; echoed, never logged."""

    id: str
    kind: Literal["file", "session"]
    name: str | None = None
    reference: str | None = None
    site: str | None = None
    attempt_of: str | None = None
    metadata: dict[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class JudgedLabel:
    """A label over the whole recording. ``passed``: ``None`` without a score. ``said``: of a content label, if there
    was a transcript."""

    label: Label
    score: LabelScore
    passed: bool | None
    said: Said | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """What produced the scores. ``clap``: ``"<id>@<revision>"``; ``version``: of the distribution; an equal ``digest``
    means equal labels; ``shed``: windows for which a scorer gave nothing."""

    scorers: tuple[str, ...]
    clap: str | None
    version: str
    dictionary: str
    dictionary_version: str
    digest: str
    windows_replaced: int = 0
    shed: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """The judgement of a whole recording, at full precision. It judges recordings, not patients. It does not diagnose.

    Times are samples of the input rate, ``sample_rate`` Hz; ``samples`` is the length. ``labels``: those requested, in
    their order. ``prompts``: prompt ids, the worst label first. ``windows``: as sent, already rounded. ``peaks``: of a
    file, whole dBFS five times a second, for drawing; never sent. ``matches``: of rules, of a session live ones first.
    """

    identity: Identity
    samples: int
    sample_rate: int
    speech_s: float
    labels: Mapping[str, JudgedLabel]
    overall: Overall
    advice: Text
    prompts: tuple[str, ...]
    unusable_spans: tuple[Span, ...]
    not_heard: tuple[str, ...]
    not_assessed: tuple[str, ...]
    interference: tuple[Interference, ...]
    events: tuple[Event, ...]
    measures: Measures
    windows: LoggedWindows
    provenance: Provenance
    notices: tuple[Notice, ...] = ()
    mode: Mode = Mode.RECORDING
    basis: Basis = Basis.ROOM
    voices: tuple[Voice, ...] = ()
    timeline: Timeline = field(default_factory=Timeline)
    peaks: tuple[int, ...] = ()
    matches: tuple[Match, ...] = ()

    @property
    def duration_s(self) -> float:
        """Seconds, gaps included."""
        return self.samples / self.sample_rate
