"""What is known of the voices in a recording: what is heard of them, and what is told."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from server.values.audio import Float32Array
from server.values.rows import BoolArray


class Role(StrEnum):
    """Whose voice it is, as far as that can be told."""

    PATIENT = "patient"
    OTHER = "other"
    FAR_END = "far_end"


@dataclass(frozen=True, slots=True)
class HeardTalker:
    """Someone who speaks in a stretch. ``new``: bool ``(n,)``, in its rows; ``before``: bool ``(m,)``, in the rows
    before them. ``voice``: of unit length, ``None`` where too little was heard, or where the talker goes on and need
    not be known anew; ``heard_s``: seconds that it is, or would be, made of."""

    new: BoolArray = field(repr=False)
    before: BoolArray = field(repr=False)
    voice: Float32Array | None = field(repr=False)
    heard_s: float


@dataclass(frozen=True, slots=True)
class HeardRows:
    """Rows of 10 ms in which voices are looked for. ``start``: the first one's place in the stream. ``level_db``,
    ``syllable_db``: float32 ``(n,)``, dBFS and dB, as the columns of that name. ``present``: bool ``(n,)``, false where
    audio was lost. ``far_end``: bool ``(n,)``, where the far end is known to speak. ``nuclei``: bool ``(n,)``, where a
    syllable has its middle."""

    start: int
    level_db: Float32Array = field(repr=False)
    syllable_db: Float32Array = field(repr=False)
    present: BoolArray = field(repr=False)
    far_end: BoolArray = field(repr=False)
    nuclei: BoolArray = field(repr=False)

    def with_nuclei(self, nuclei: BoolArray) -> "HeardRows":
        """The same with ``nuclei``."""
        return replace(self, nuclei=nuclei)


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice of a recording. ``spans``: where it speaks, seconds, in order and apart. ``speech_dbfs``: its mean
    level where it speaks alone; ``snr_db``: over what is heard while nobody speaks near it; ``speech_rate_sps``:
    syllables per second. ``None`` where too little was heard. ``faint``: much fainter than the loudest one near the
    microphone."""

    id: str
    role: Role
    speech_s: float
    speech_dbfs: float | None
    snr_db: float | None
    speech_rate_sps: float | None
    spans: tuple[tuple[float, float], ...]
    faint: bool = False


@dataclass(frozen=True, slots=True)
class KnownVoice:
    """Whose voice is known from elsewhere: what a model made of ``heard_s`` seconds of it, float32 ``(n,)`` of unit
    length."""

    voice: Float32Array = field(repr=False)
    heard_s: float


def spoken(start_s: float, end_s: float, voice: Voice) -> float:
    """Seconds between ``start_s`` and ``end_s`` in which it speaks."""
    return sum(max(0.0, min(end, end_s) - max(start, start_s)) for start, end in voice.spans)
