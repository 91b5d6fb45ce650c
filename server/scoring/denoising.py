"""What a denoiser is asked and answers: values that cross the port to wherever it runs."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from server.values.audio import Float32Array

Float16Array = npt.NDArray[np.float16]

WORDS_SNR = "words_snr_db"
"""The measure that is made of what a denoiser answers."""

TENTHS = 10
"""Levels per second: a syllable is longer than a tenth."""

ESTIMATED_ESTOI = "estimated_estoi"
"""The other measure that is made of it."""

OF_A_DENOISER = (WORDS_SNR, ESTIMATED_ESTOI)

COLUMNS = 3
"""Of what is told of a tenth of a second: level of the voice, level of what is taken away, and likeness of both."""

UNKNOWN_LEVELS: Float32Array = np.zeros((0, COLUMNS), np.float32)


@dataclass(frozen=True, slots=True)
class DenoiseRequest:
    """Whole seconds of a stream at 16 kHz: samples ``start`` to ``end``, both multiples of 16,000.

    ``pcm``: float32 ``(n,)``, -1..1, the samples before ``end``, as many as there are; at least those from ``start``.
    ``gain_db`` brings the voice to the level that the model was trained on. ``memory``: from the answer to the second
    before, ``None`` where there is none.
    """

    start: int
    end: int
    pcm: Float32Array = field(repr=False)
    gain_db: float
    memory: Float16Array | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Denoised:
    """``levels``: float32 ``(10 s, 3)``: dBFS of what stays, the voice, and of what is taken away; and how alike the
    sound and the voice in it are, as ESTOI has it, -1..1; NaN where unknown. ``memory``: for the next second.
    ``inference_s``: how long that took."""

    levels: Float32Array
    memory: Float16Array | None = field(repr=False)
    inference_s: float = 0.0
