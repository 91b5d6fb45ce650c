"""Audio formats and what is known about the source."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]

CORE_RATE = 16_000
"""Sample rate of the one stream that feeds VAD, features and measures, in Hz."""

MIN_SAMPLE_RATE = 8_000
MAX_SAMPLE_RATE = 96_000
"""Accepted sample rates, in Hz. Lower rates do not cover the speech band; higher rates cost more and add nothing."""


class Encoding(StrEnum):
    """How a sample is written: 16-bit integers or 32-bit floats in -1..1, little-endian, or a byte of ITU-T G.711."""

    PCM_S16LE = "pcm_s16le"
    PCM_F32LE = "pcm_f32le"
    MULAW = "mulaw"
    ALAW = "alaw"

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample: 1, 2 or 4."""
        return _SAMPLE_BYTES[self]


_SAMPLE_BYTES = {Encoding.PCM_S16LE: 2, Encoding.PCM_F32LE: 4, Encoding.MULAW: 1, Encoding.ALAW: 1}


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Mono audio as declared by the peer. ``sample_rate`` in Hz, 8,000–96,000."""

    encoding: Encoding
    sample_rate: int


class CaptureSource(StrEnum):
    """Where samples came from. Only a microphone counts as processed unless declared otherwise; the bandwidth of a
    telephone line is judged by what lines carry."""

    MICROPHONE = "microphone"
    FILE = "file"
    LINE = "line"
    TELEPHONE = "telephone"


class Basis(StrEnum):
    """What is judged. ``room``: the sound of the room. ``as_heard``: what a processed microphone hands on, which is
    what the doctor hears; the room itself is not judged."""

    ROOM = "room"
    AS_HEARD = "as_heard"


@dataclass(frozen=True, slots=True)
class Capture:
    """The source of the audio and the processing before it reached us; ``None`` = unknown."""

    source: CaptureSource = CaptureSource.MICROPHONE
    echo_cancellation: bool | None = None
    noise_suppression: bool | None = None
    auto_gain_control: bool | None = None

    @property
    def processed(self) -> bool:
        """Whether the room cannot be told from the sound: noise suppression or automatic gain is on, or, of a
        microphone, unknown. Echo cancellation alone left noise within 2.4 dB of what it was (Chromium 156)."""
        unknown = self.source is CaptureSource.MICROPHONE
        return any(unknown if on is None else on for on in (self.noise_suppression, self.auto_gain_control))

    @property
    def basis(self) -> Basis:
        """What the judgement of this audio is about."""
        return Basis.AS_HEARD if self.processed else Basis.ROOM


class Pace(StrEnum):
    """``realtime``: no faster than it is spoken, checked. ``fast``: as fast as the server takes it."""

    REALTIME = "realtime"
    FAST = "fast"
