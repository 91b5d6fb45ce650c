"""Everything that one process scores with, built once by ``server.app`` and used by live and recording alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from opentelemetry.trace import NoOpTracer, Tracer

from server.assessment.checked_voices import CheckedVoices
from server.dictionaries import Dictionaries
from server.metrics import Metrics
from server.scoring.ports import Scoring
from server.stream.core import StreamCore
from server.values.audio import AudioFormat
from server.values.measures import Measures, RecordingTotals
from server.values.models import OptionalModel

Summarise = Callable[[RecordingTotals, Sequence[tuple[Measures, float]]], Measures]
"""Measures of a whole recording from its totals and its windows' ``(measures, speech_s)``."""


@dataclass(frozen=True, slots=True)
class Engine:
    """``clap``: ``"<id>@<revision>"`` of the loaded checkpoint. ``version``: of the distribution."""

    service: Scoring
    dictionaries: Dictionaries
    make_core: Callable[[AudioFormat], StreamCore]
    restore_core: Callable[[bytes], StreamCore]
    summarise: Summarise
    scorer_names: tuple[str, ...]
    clap: str | None
    basic_mode: bool
    vad: str
    version: str
    hint: str | None = None
    """What an operator can do about basic mode, if anything."""
    models: tuple[OptionalModel, ...] = ()
    """The small models that may be absent, as they were at the start."""
    metrics: Metrics = field(default_factory=Metrics)
    make_listener: Callable[[AudioFormat], StreamCore] | None = None
    """A core that only has to find speech; ``None``: as ``make_core``."""
    tracer: Tracer = field(default_factory=NoOpTracer)
    checked_voices: CheckedVoices = field(default_factory=CheckedVoices)

    @property
    def listener(self) -> Callable[[AudioFormat], StreamCore]:
        """Makes a core for a track of which only the speech is looked for."""
        return self.make_listener or self.make_core


@dataclass(frozen=True, slots=True)
class HeardAudio:
    """What a core has heard so far; outlives the core. ``samples`` of the input rate."""

    samples: int
    sample_rate: int
    speech_s: float
    totals: RecordingTotals

    @classmethod
    def of(cls, core: StreamCore) -> "HeardAudio":
        """What the core has heard so far; final after ``finish``."""
        return cls(core.samples_received, core.audio.sample_rate, core.speech_s, core.totals())

    @property
    def duration_s(self) -> float:
        """Seconds, gaps included."""
        return self.samples / self.sample_rate
