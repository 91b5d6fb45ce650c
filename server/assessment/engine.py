"""Everything that one process scores with, built once by ``server.app`` and handed to live and recording alike."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from server.assessment.metrics import Metrics, ProcessMetrics
from server.dictionaries.loader import ListedDictionary
from server.judge.labels import LabelSet
from server.scoring.ports import Scoring
from server.stream.events import StreamEvent
from server.transcript import Topics
from server.values.audio import AudioFormat
from server.values.labels import LabelQuery
from server.values.measures import Measures, RecordingTotals


class Core(Protocol):
    """What is used of ``server.stream.core.StreamCore``; see there."""

    audio: AudioFormat

    @property
    def samples_received(self) -> int: ...

    @property
    def next_sample(self) -> int: ...

    @property
    def speech_s(self) -> float: ...

    def receive_pcm(self, data: bytes | bytearray | memoryview) -> list[StreamEvent]: ...

    def receive_gap(self, samples: int) -> list[StreamEvent]: ...

    def take_pcm(self, data: bytes | bytearray | memoryview) -> Iterator[list[StreamEvent]]: ...

    def mend_pcm(self, data: bytes | bytearray | memoryview) -> Iterator[list[StreamEvent]]: ...

    def take_gap(self, samples: int) -> Iterator[list[StreamEvent]]: ...

    @property
    def half_open(self) -> bool: ...

    def finish(self) -> list[StreamEvent]: ...

    def totals(self) -> RecordingTotals: ...

    def snapshot(self) -> bytes: ...


class LabelResolver(Protocol):
    """What is used of ``server.dictionaries.Dictionaries``. Raises LabelQueryError."""

    def resolve(self, query: LabelQuery) -> LabelSet: ...

    def listed(self) -> Sequence[ListedDictionary]: ...

    @property
    def topics(self) -> Topics: ...


class Summarise(Protocol):
    """Measures of a whole recording from its totals and its windows' ``(measures, speech_s)``."""

    def __call__(self, totals: RecordingTotals, windows: Sequence[tuple[Measures, float]]) -> Measures: ...


@dataclass(frozen=True, slots=True)
class Engine:
    """``clap``: ``"<id>@<revision>"`` of the loaded checkpoint. ``version``: of the distribution."""

    service: Scoring
    dictionaries: LabelResolver
    make_core: Callable[[AudioFormat], Core]
    restore_core: Callable[[bytes], Core]
    summarise: Summarise
    scorer_names: tuple[str, ...]
    clap: str | None
    basic_mode: bool
    vad: str
    version: str
    hint: str | None = None
    """What an operator can do about basic mode, if anything."""
    metrics: Metrics = field(default_factory=ProcessMetrics)


@dataclass(frozen=True, slots=True)
class HeardAudio:
    """What a core has heard so far; outlives the core. ``samples`` of the input rate."""

    samples: int
    sample_rate: int
    speech_s: float
    totals: RecordingTotals

    @classmethod
    def of(cls, core: Core) -> "HeardAudio":
        return cls(core.samples_received, core.audio.sample_rate, core.speech_s, core.totals())

    @property
    def duration_s(self) -> float:
        return self.samples / self.sample_rate
