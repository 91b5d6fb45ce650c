"""The talker's own voice, heard again a moment later: the loudspeaker at the far end comes back through the line."""

import numpy as np
import numpy.typing as npt
from scipy import fft

from server.stream.ring import Ring
from server.values.audio import CORE_RATE, Float32Array
from server.values.windows import ECHO_LAGS, ECHO_RATE, WINDOW_S

STEP = CORE_RATE // ECHO_RATE
"""Samples at 16 kHz that are averaged to one: the lowest 1 kHz carries the voice."""

CONTEXT_SAMPLES = ECHO_LAGS * STEP
"""Samples before a hop that hold the earlier voice."""

FFT_SIZE = ECHO_RATE + ECHO_LAGS
"""Long enough that no lag wraps; 2,700 = 2² · 3³ · 5²."""

SMOOTHING_HZ = 60
"""Formants are divided out, and what comes back at a fixed delay is not."""

RAMP = ECHO_RATE // 50
"""20 ms over which the earlier voice fades in: its sudden start would match the hop's own, 350 ms later."""

QUIETEST = 1e-9
"""Mean square under which a band does not count: otherwise a silent hop's noise weighs as much as speech."""


class OwnEcho:
    """How well each second of a stream repeats what came up to 350 ms earlier. A ring that replay refills.

    The correlation of a whitened signal with its past (the phase transform; Knapp and Carter 1976), per hop.
    """

    def __init__(self) -> None:
        self._hops = Ring(WINDOW_S, ECHO_LAGS)

    def advance(self, pcm: Float32Array, context: int) -> None:
        """The next hop at 16 kHz, float32, behind ``context`` earlier samples."""
        self._hops.write(_correlation(pcm, context)[np.newaxis])

    def skip(self, hops: int) -> None:
        """Hops of silence."""
        shown = min(hops, WINDOW_S)
        self._hops.forget(self._hops.end + hops - shown)
        self._hops.write(np.zeros((shown, ECHO_LAGS), np.float32))

    def start(self, hop: int) -> None:
        """Begin a replay at ``hop``."""
        self._hops.forget(hop)

    def window(self, hops: int) -> Float32Array:
        """The last ``hops`` hops, float32 ``(hops, ECHO_LAGS)``."""
        return self._hops.read(self._hops.end - hops, self._hops.end)


def _correlation(pcm: Float32Array, context: int) -> Float32Array:
    """Whitened correlation at lags 0 to ``ECHO_LAGS`` - 1 of ``ECHO_RATE``, float32."""
    kept = context - context % STEP
    pcm = pcm[context - kept :]
    coarse = pcm[: pcm.shape[0] // STEP * STEP].reshape(-1, STEP).mean(axis=1, dtype=np.float32)
    if coarse.shape[0] == 0:
        return np.zeros(ECHO_LAGS, np.float32)
    signal = np.diff(coarse, prepend=coarse[:1])
    ramp = min(RAMP, signal.shape[0])
    signal[:ramp] *= np.linspace(0.0, 1.0, ramp, dtype=np.float32)
    whole = fft.rfft(signal, FFT_SIZE)
    later = whole - fft.rfft(signal[: kept // STEP], FFT_SIZE) if kept else whole
    power = np.square(whole.real) + np.square(whole.imag)
    whitened = np.conj(whole) * later / (_smoothed(power) + QUIETEST * FFT_SIZE)
    return np.asarray(fft.irfft(whitened, FFT_SIZE)[:ECHO_LAGS], np.float32)


def _smoothed(power: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    reach = SMOOTHING_HZ * FFT_SIZE // ECHO_RATE
    summed = np.concatenate(([0.0], np.cumsum(power, dtype=np.float64)))
    inner = (summed[2 * reach + 1 :] - summed[: -2 * reach - 1]) / (2 * reach + 1)
    return np.concatenate((np.full(reach, inner[0]), inner, np.full(reach, inner[-1])))
