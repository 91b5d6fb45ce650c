"""Frozen values that cross folders. No behaviour beyond what follows from the fields themselves.

Time is a sample index of the declared input rate; seconds only in names that end in ``_s`` or ``_ms``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Literal

import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]

CORE_RATE = 16_000
"""Sample rate of the one stream that feeds VAD, features and measures, in Hz."""

ROW_RATE = 100
"""Feature rows per second: one row is 10 ms."""

WINDOW_S = 10
HOP_S = 1
FIRST_PARTIAL_S = 3
"""Windows are 10 s long and end on whole seconds; the first ends at 3 s and is ``partial`` until 10 s."""

TOO_SHORT_S = 0.5
"""Audio under this length has no window at all: every label is ``null`` with ``why: too_short``."""

RECENT_S = 4
"""``recent`` opinions look at the last 4 s of a window; the prompt policy reads these."""


class Encoding(StrEnum):
    PCM_S16LE = "pcm_s16le"
    PCM_F32LE = "pcm_f32le"

    @property
    def sample_bytes(self) -> int:
        return 2 if self is Encoding.PCM_S16LE else 4


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Mono PCM as declared by the peer. ``sample_rate`` in Hz, 8,000–96,000."""

    encoding: Encoding
    sample_rate: int


class CaptureSource(StrEnum):
    MICROPHONE = "microphone"
    FILE = "file"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Capture:
    """Where the audio came from and what was done to it before it reached us; ``None`` = unknown."""

    source: CaptureSource = CaptureSource.MICROPHONE
    echo_cancellation: bool | None = None
    noise_suppression: bool | None = None
    auto_gain_control: bool | None = None

    @property
    def processed(self) -> bool:
        """True where noise and loudness cannot be trusted: a microphone with processing on or unknown."""
        if self.source is not CaptureSource.MICROPHONE:
            return False
        return not (
            self.echo_cancellation is False and self.noise_suppression is False and self.auto_gain_control is False
        )


class Pace(StrEnum):
    REALTIME = "realtime"
    FAST = "fast"


class Why(StrEnum):
    """Why a score is ``null``. Ordered: when several apply, the first listed is reported."""

    TOO_SHORT = "too_short"
    PROCESSING_ENABLED = "processing_enabled"
    NO_SPEECH = "no_speech"
    SHED = "shed"
    NEEDS_CLAP = "needs_clap"
    NEEDS_TRANSCRIPT = "needs_transcript"
    NO_EVIDENCE = "no_evidence"
    UNSCORABLE = "unscorable"


class Column(IntEnum):
    """Columns of a feature row (10 ms, float32). dB values are floored at -120.

    The first block comes from the 16 kHz stream, the second from the decoded input-rate samples of the same
    10 ms (before DC removal, levelling and resampling).
    """

    LEVEL_DB = 0
    """RMS after a 40 Hz high-pass (mains hum is noise and stays in), dBFS, before levelling."""
    SPEECH = 1
    """VAD speech probability 0..1; causal: that of the last VAD frame that ended inside or before the row."""
    SYLLABLE_DB = 2
    """Energy of 300–2500 Hz, dB."""
    LOW_DB = 3
    """Energy of 100–1000 Hz, dB."""
    HIGH_DB = 4
    """Energy of 4000–7500 Hz, dB."""
    FLUX = 5
    """Spectral change against the row before, dB (mean absolute change of band energies)."""
    PEAK = 6
    """Largest absolute sample, linear 0..1 (input rate)."""
    CLIPPED = 7
    """Number of clipped samples, as a fraction of the row's samples 0..1 (input rate)."""
    ZERO = 8
    """Fraction of the row's samples that are exactly zero, 0..1 (input rate)."""
    DC = 9
    """Mean of the row's samples, linear (input rate)."""
    GAP = 10
    """1.0 where the row was declared lost by ``audio.gap`` (network), else 0.0."""
    OVERLAP = 11
    """Probability that two people speak at once, 0..1; -1 where that was not judged (no model, or lost audio)."""


N_COLUMNS = len(Column)


@dataclass(frozen=True, slots=True)
class Window:
    """What a scorer sees: up to 10 s of one session, with the features advanced once per hop.

    ``start_sample``/``end_sample`` are input-rate indices. ``rows``: float32 ``(n, N_COLUMNS)``, 100 per second,
    read-only. ``pcm``: float32 ``(m,)`` at 16 kHz, -1..1, unlevelled, read-only. ``carried_noise_db``: the noise
    floor carried over the session (falls at once, rises slowly), dBFS, ``None`` before any pause was heard; it never
    feeds ``recent``. ``tracked``: what feature trackers hold for this window (for example a mel spectrogram).
    """

    start_sample: int
    end_sample: int
    sample_rate: int
    partial: bool
    rows: Float32Array
    pcm: Float32Array
    carried_noise_db: float | None = None
    tracked: Mapping[str, npt.NDArray[np.generic]] = field(default_factory=dict)

    @property
    def start_s(self) -> float:
        return self.start_sample / self.sample_rate

    @property
    def end_s(self) -> float:
        return self.end_sample / self.sample_rate

    @property
    def speech_s(self) -> float:
        """Seconds of rows whose speech probability is at least 0.5."""
        return float(np.count_nonzero(self.rows[:, Column.SPEECH] >= 0.5)) / ROW_RATE

    @property
    def speech_ratio(self) -> float:
        """Fraction of rows whose speech probability is at least 0.5, 0..1."""
        n = self.rows.shape[0]
        return float(np.count_nonzero(self.rows[:, Column.SPEECH] >= 0.5)) / n if n else 0.0


@dataclass(frozen=True, slots=True)
class Pauses:
    """Pauses in the speech: silences of at least 0.25 s between two stretches of speech."""

    count: int
    longest_s: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Measures:
    """Physical quantities of a window or a whole recording; ``None`` = not measurable here.

    Units: ``*_db`` dB, ``*_dbfs`` dB re full scale (floored at -120), ratios 0..1, ``speech_rate_sps`` syllables per
    second, ``reverberation`` 0 (dry) .. 1 (washed out), ``bandwidth_hz`` Hz, ``mos_*`` 1..5 (DNSMOS P.835).
    """

    snr_db: float | None = None
    noise_dbfs: float | None = None
    speech_dbfs: float | None = None
    clipping_ratio: float | None = None
    dropout_ratio: float | None = None
    speech_ratio: float | None = None
    speech_rate_sps: float | None = None
    reverberation: float | None = None
    bandwidth_hz: float | None = None
    pauses: Pauses | None = None
    mos_signal: float | None = None
    mos_background: float | None = None
    mos_overall: float | None = None


@dataclass(frozen=True, slots=True)
class Mos:
    """DNSMOS P.835, each 1..5. ``end_sample`` is the end of the window it was computed on."""

    signal: float
    background: float
    overall: float
    end_sample: int


@dataclass(frozen=True, slots=True)
class Opinion:
    """One scorer's evidence for one label: ``value`` 0..1, or ``None`` with ``why``."""

    value: float | None
    why: Why | None = None

    def __post_init__(self) -> None:
        assert (self.value is None) == (self.why is not None), "a null opinion says why, a value does not"


EvidenceKind = Literal["acoustic", "clap", "transcript"]


@dataclass(frozen=True, slots=True)
class LabelScore:
    """A label's combined value in one window or over a session, with the evidence beside it."""

    score: float | None
    evidence: Mapping[EvidenceKind, float | None]
    why: Why | None = None


@dataclass(frozen=True, slots=True)
class Overall:
    """The judgement over one window or a session. ``assessed`` reads ``"8 of 14"``."""

    score: float | None
    grade: Literal["clear", "usable", "poor", "nodata"]
    passed: bool
    verdict: Literal["accept", "re-record", "unusable"] | None
    assessed: str


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence or title in both languages."""

    zh: str
    en: str

    def in_language(self, language: str) -> str:
        return self.zh if language.lower().startswith("zh") else self.en


@dataclass(frozen=True, slots=True)
class RecordingTotals:
    """What is known of a whole recording so far, in bounded memory; advanced once per hop.

    Histograms count rows per decibel bin: bin ``i`` of ``speech_levels``/``pause_levels`` holds rows whose
    ``LEVEL_DB`` lies in ``[-120 + i/2, -120 + (i+1)/2)``; int64, shape ``(256,)``. The rest are sums over rows.
    """

    rows: int
    speech_rows: int
    speech_levels: npt.NDArray[np.int64]
    pause_levels: npt.NDArray[np.int64]
    clipped: float
    dropout_rows: int
    gap_rows: int
    pause_count: int
    longest_pause_rows: int
    pause_rows: int
