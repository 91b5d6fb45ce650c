"""The events of StreamCore, in sample order, and the protocols that it depends on.

``Detector`` and ``FeatureTracker`` are implemented in ``server.model`` and joined in ``server.app``.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from server.values.audio import Float32Array
from server.values.windows import Window


@dataclass(frozen=True, slots=True)
class WindowReady:
    """A window to score. A replay produces no windows: it only refills buffers."""

    window: Window


@dataclass(frozen=True, slots=True)
class Level:
    """Five per second of audio. ``rms_dbfs``/``peak_dbfs`` of the last 200 ms, input rate, floored at -120."""

    end_sample: int
    rms_dbfs: float
    peak_dbfs: float
    speaking: bool
    clipping: bool


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """``sample``: input-rate index where the speech began, which is before the gate opened."""

    sample: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """``sample``: input-rate index where the speech ended, which is before the gate closed."""

    sample: int


StreamEvent = WindowReady | Level | SpeechStarted | SpeechStopped


class Detector(Protocol):
    """A voice activity detector with the memory of one stream.

    ``frame_samples`` at 16 kHz is fixed; ``push`` takes whole frames, float32 ``(n, frame_samples)`` in -1..1
    (levelled), at least one, and returns the speech probability 0..1 of each. How many come at a time changes nothing.
    ``snapshot``/``restore`` carry the memory as JSON-able values.
    """

    name: str
    frame_samples: int

    def push(self, frames: Float32Array) -> Float32Array:
        """Speech probability 0..1 of each frame, float32 ``(n,)``; ``frames``: float32 ``(n, frame_samples)``."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """The memory after the last frame, as JSON values."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a ``snapshot`` of the same detector; call before the first frame."""
        ...


class OverlapModel(Protocol):
    """Detects two people speaking at once. It has no memory: all streams and threads may share one.

    ``hear`` takes one hop (or a stream's shorter last one) with up to ``context_samples`` before it, float32 ``(n,)``
    at 16 kHz, -1..1, and returns the probability 0..1 for its last ``rows`` rows, float32 ``(rows,)``, or -1 if it
    cannot tell. The context is read from the PCM ring, which replay refills, so it is not in snapshots.
    """

    context_samples: int

    def hear(self, pcm: Float32Array, rows: int) -> Float32Array:
        """Probability 0..1 of two voices in each of the last ``rows`` rows, or -1: float32 ``(rows,)``."""
        ...


class FeatureTracker(Protocol):
    """A feature advanced once per hop with memory of its own (for example a mel ring for CLAP on CPU).

    ``advance`` takes the input-rate samples of one hop (float32, -1..1; only the last hop may be shorter). ``window``
    returns what a Window carries under ``tracked[name]`` for the last ``hops`` hops. The memory is a ring that replay
    refills, so it is not in snapshots; ``reset`` empties it.
    """

    name: str

    def advance(self, pcm: Float32Array, sample_rate: int) -> None:
        """Take the next hop."""
        ...

    def window(self, hops: int) -> npt.NDArray[np.generic]:
        """The feature over the last ``hops`` hops, which were advanced before."""
        ...

    def reset(self) -> None:
        """Empty the ring before a replay refills it."""
        ...
