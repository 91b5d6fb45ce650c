"""What browsers, apps and devices make of a microphone's sound before anybody else hears it. For the benches.

WebRTC's noise suppression and automatic gain (``webrtc-noise-gain``, BSD); GTCRN (MIT) from the model cache; RNNoise
(BSD), whose ``librnnoise.so`` lies in the wheel ``pyrnnoise``.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from codecs_of_lines import LOUDEST, Gtcrn
from voices import RATE, Audio, fitted

LATEST_S = 0.05
Process = Callable[[Audio], Audio]


@dataclass(frozen=True, slots=True)
class Webrtc:
    """Noise suppression, ``strength`` 0..4, and gain towards ``gain_dbfs`` below full scale, 0 for none; WebRTC's
    own code, 10 ms at a time."""

    strength: int
    gain_dbfs: int = 0

    def __call__(self, sound: Audio) -> Audio:
        from webrtc_noise_gain import AudioProcessor  # noqa: PLC0415 - a package of the benches

        processor, size = AudioProcessor(self.gain_dbfs, self.strength), RATE // 100
        pcm = (np.clip(np.pad(sound, (0, size)), -1, 1) * LOUDEST).astype("<i2")
        pieces = [
            np.frombuffer(processor.Process10ms(pcm[start : start + size].tobytes()).audio, "<i2")
            for start in range(0, pcm.size - size + 1, size)
        ]
        return np.asarray(np.concatenate(pieces) / LOUDEST)


class Rnnoise:
    """RNNoise at its 48 kHz, by its own library."""

    RATE, FRAME = 48_000, 480

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        self._library.rnnoise_create.restype = ctypes.c_void_p
        self._library.rnnoise_create.argtypes = [ctypes.c_void_p]
        self._library.rnnoise_destroy.argtypes = [ctypes.c_void_p]
        self._library.rnnoise_process_frame.argtypes = [ctypes.c_void_p] * 3

    def __call__(self, sound: Audio) -> Audio:
        wide = soxr.resample(sound, RATE, self.RATE, quality="HQ") * LOUDEST
        frames = np.ascontiguousarray(fitted(wide, -(-wide.size // self.FRAME) * self.FRAME), np.float32)
        out = np.zeros_like(frames)
        state = self._library.rnnoise_create(None)
        for start in range(0, frames.size, self.FRAME):
            at = 4 * start
            self._library.rnnoise_process_frame(state, out.ctypes.data + at, frames.ctypes.data + at)
        self._library.rnnoise_destroy(state)
        return np.asarray(soxr.resample(out.astype(np.float64) / LOUDEST, self.RATE, RATE, quality="HQ"))


def ways(gtcrn: Path | None, rnnoise: Path | None) -> dict[str, Process]:
    """Each way of processing by its name."""
    found: dict[str, Process] = {"none": lambda sound: sound}
    found |= {f"webrtc{strength}": Webrtc(strength) for strength in (1, 2, 3, 4)}
    found |= {"gain": Webrtc(0, 12), "webrtc2_gain": Webrtc(2, 12), "webrtc4_gain": Webrtc(4, 6)}
    if gtcrn is not None:
        found["gtcrn"] = Gtcrn(gtcrn).enhanced
    if rnnoise is not None:
        found["rnnoise"] = Rnnoise(rnnoise)
    return found


def in_step(sound: Audio, with_: Audio) -> Audio:
    """``sound`` without its delay behind ``with_``, up to 50 ms, and as long."""
    n = 1 << int(np.ceil(np.log2(sound.size + with_.size)))
    match = np.fft.irfft(np.fft.rfft(sound, n) * np.conj(np.fft.rfft(with_, n)), n)
    return fitted(sound[int(np.argmax(match[: round(LATEST_S * RATE)])) :], with_.size)
