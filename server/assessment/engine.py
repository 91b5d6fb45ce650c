"""Everything that one process scores with, built once by ``server.app`` and used by live and recording alike."""

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
    """The part of ``server.stream.core.StreamCore`` used here; see there."""

    audio: AudioFormat

    @property
    def samples_received(self) -> int:
        """At the input rate, gaps included."""
        ...

    @property
    def next_sample(self) -> int:
        """The input-rate sample from which the sender continues after a restore."""
        ...

    @property
    def speech_s(self) -> float:
        """Seconds of speech so far."""
        ...

    def receive_pcm(self, data: bytes | bytearray | memoryview) -> list[StreamEvent]:
        """Take bytes, cut anywhere; returns the events that they complete."""
        ...

    def receive_gap(self, samples: int) -> list[StreamEvent]:
        """Samples at the input rate that were lost: time goes on."""
        ...

    def take_pcm(self, data: bytes | bytearray | memoryview) -> Iterator[list[StreamEvent]]:
        """As ``receive_pcm``, in steps: the caller may do other work between two of them."""
        ...

    def mend_pcm(self, data: bytes | bytearray | memoryview) -> Iterator[list[StreamEvent]]:
        """A chunk that ``take_pcm`` refused: each piece with NaN or Infinity becomes a gap, in steps."""
        ...

    def take_gap(self, samples: int) -> Iterator[list[StreamEvent]]:
        """As ``receive_gap``, in steps."""
        ...

    @property
    def half_open(self) -> bool:
        """Whether an incomplete sample is pending."""
        ...

    def finish(self) -> list[StreamEvent]:
        """The last events; no audio may follow."""
        ...

    def totals(self) -> RecordingTotals:
        """Sums over the recording so far; final after ``finish``."""
        ...

    def snapshot(self) -> bytes:
        """Everything that a restore needs, except the last seconds of audio, which are sent again."""
        ...


class LabelResolver(Protocol):
    """The part of ``server.dictionaries.Dictionaries`` used here. Raises LabelQueryError."""

    def resolve(self, query: LabelQuery) -> LabelSet:
        """The labels asked for, None for the default; raises LabelQueryError."""
        ...

    def listed(self) -> Sequence[ListedDictionary]:
        """Every dictionary with its labels, for catalogues and pickers."""
        ...

    @property
    def topics(self) -> Topics:
        """What a transcript can be searched for."""
        ...


class Summarise(Protocol):
    """Measures of a whole recording from its totals and its windows' ``(measures, speech_s)``."""

    def __call__(self, totals: RecordingTotals, windows: Sequence[tuple[Measures, float]]) -> Measures:
        """The measures of a recording; null if no window has the measure."""
        ...


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
        """What the core has heard so far; final after ``finish``."""
        return cls(core.samples_received, core.audio.sample_rate, core.speech_s, core.totals())

    @property
    def duration_s(self) -> float:
        """Seconds, gaps included."""
        return self.samples / self.sample_rate
