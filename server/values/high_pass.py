"""A Butterworth high-pass at 16 kHz that runs on from block to block. Sans-IO.

``scipy.signal`` has the same filter; its import takes 0.7 s and 50 MB of every process, more than all else of the core.
"""

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.linalg import blas

from server.values.audio import CORE_RATE, Float32Array

_BLOCK = CORE_RATE
"""Samples that are filtered by one call, at most."""


@cache
def butterworth(order: int, hz: float) -> tuple[float, npt.NDArray[np.float64]]:
    """Gain and denominator, float64 ``(order + 1,)``, of the digital filter at 16 kHz; ``hz``: where it passes half the
    power. Its numerator is the gain times differences: ``(1 - 1/z) ** order``.

    The analog prototype's poles, turned into a high-pass and moved by the bilinear transform with its frequency warped
    before (Oppenheim and Schafer, Discrete-Time Signal Processing, 3rd edition, section 7.1).
    """
    prototype = np.exp(1j * np.pi * (2 * np.arange(order) + order + 1) / (2 * order))
    poles = np.tan(np.pi * hz / CORE_RATE) / prototype
    denominator: npt.NDArray[np.float64] = np.poly((1 + poles) / (1 - poles)).real.astype(np.float64)
    gain = denominator @ (-1.0) ** np.arange(order + 1) / 2**order
    return float(gain), denominator


@cache
def _recursion(order: int, hz: float) -> npt.NDArray[np.float64]:
    """The filter's feedback as a banded lower triangular matrix, in the columns of BLAS.

    Its first ``order`` columns belong to outputs of the block before: these pass on to new ones and are not changed.
    """
    _, denominator = butterworth(order, hz)
    bands = np.repeat(denominator[:, np.newaxis], order + _BLOCK, axis=1)
    for column in range(order):
        bands[1 : order - column, column] = 0.0
    return np.asfortranarray(bands)


class HighPass:
    """One stream's filter. What it returns does not depend on how the stream was cut into blocks, to the last bit.

    ``snapshot``/``restore`` carry its memory as JSON values.
    """

    def __init__(self, order: int, hz: float) -> None:
        self._order, self._hz = order, hz
        self._inputs: npt.NDArray[np.float64] | None = None
        self._outputs = np.zeros(order)

    def __call__(self, pcm: Float32Array) -> Float32Array:
        """The next block without what lies under ``hz``, float32 ``(n,)``; ``pcm``: float32 ``(n,)`` at 16 kHz.

        Starts as if the first sample had lasted for ever: an offset makes no step at the start.
        """
        filtered = np.empty_like(pcm)
        for start in range(0, pcm.shape[0], _BLOCK):
            filtered[start : start + _BLOCK] = self._block(pcm[start : start + _BLOCK].astype(np.float64))
        return filtered

    def _block(self, pcm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        gain, _ = butterworth(self._order, self._hz)
        before = np.full(self._order, pcm[0]) if self._inputs is None else self._inputs
        joined = np.concatenate((before, pcm))
        self._inputs = joined[-self._order :].copy()
        n = self._order + pcm.shape[0]
        solved = np.concatenate((self._outputs, gain * np.diff(joined, self._order)))
        bands = _recursion(self._order, self._hz)[:, :n]
        solved = blas.dtbsv(self._order, bands, solved, lower=1, diag=1, overwrite_x=1)
        self._outputs = solved[-self._order :].copy()
        return solved[self._order :]

    def snapshot(self) -> list[list[float]] | None:
        """The last samples and what became of them; ``None`` before the first block."""
        return None if self._inputs is None else [self._inputs.tolist(), self._outputs.tolist()]

    def restore(self, state: object) -> None:
        """Continue where ``snapshot`` was taken. Raises TypeError or ValueError for anything else."""
        if state is None:
            self._inputs, self._outputs = None, np.zeros(self._order)
        else:
            self._inputs, self._outputs = np.asarray(state, np.float64).reshape(2, self._order).copy()
