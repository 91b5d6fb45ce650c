"""What two channels of a recording share: one sound, perhaps late, louder or inverted, and what each has alone."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import fft

from server.values.audio import Float32Array

CELL_S = 0.2
MAX_DELAY_S = 0.05
"""A copy may be late by this: a packet of a call, a device's buffer."""
MAX_CELL_FRAMES = 65_536
"""A header may declare any rate; that of a real recording has no more frames in a cell."""
LEAST_CELL_FRAMES = 64
"""Under 320 Hz nothing can be compared."""

BAND_HZ = (80.0, 4_000.0)
"""Compared band: without hum, and without the highs that codecs replace."""
OVERSAMPLING = 2
"""Of that band: a delay by a fraction of a sample must not look like a difference."""

SILENT_DBFS = -75.0
"""A channel under this has nothing to compare in a cell."""

ONE_SOUND = 0.7
"""Correlation of two channels at their delay, -1..1: from this magnitude on, one sound prevails on both."""

LOUD_DB = 20.0
SAME_DELAY_S = 0.25e-3
UNEXPLAINED = 0.3
ABOVE_FLOOR_DB = 10.0
LOUDER_DB = 4.0
MOVED_DB = 5.0
"""A channel has sound of its own in a cell if the other leaves over 30 % of its power unexplained, and what is left is
10 dB over what is usually left, and the channel 4 dB over its floor, and 5 dB louder than the other has it. What codecs
at 12 kbit/s add, the noise of devices and a gate stay below; two people with cross-talk of -6 dB do not."""

OWN_CELLS = 3
OWN_SHARE = 0.003
"""So much of it (0.6 s, and 0.3 % of the cells with sound) is somebody, who must not be left out."""

CellArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Relation:
    """Of two channels. ``correlation``: -1..1 at their delay; ``own``: one of them has sound that the other lacks."""

    correlation: float
    own: bool

    @property
    def prevails(self) -> bool:
        """Whether one sound makes up most of both."""
        return abs(self.correlation) >= ONE_SOUND

    @property
    def one_sound(self) -> bool:
        """Whether one channel alone stands for both."""
        return self.prevails and not self.own


UNRELATED = Relation(0.0, own=True)


class PairSurvey:
    """Compares all pairs of channels in cells of 0.2 s: ``add`` all frames in order, then ask for a ``relation``.

    Keeps 60 bytes per second and pair.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._cell = min(round(sample_rate * CELL_S), MAX_CELL_FRAMES)
        self._delay = round(self._cell * MAX_DELAY_S / CELL_S)
        self._stretch = self._cell + 2 * self._delay
        stretch_s = CELL_S + 2 * MAX_DELAY_S
        self._bins = min(self._stretch // 2, round(BAND_HZ[1] * stretch_s))
        self._first_bin = round(BAND_HZ[0] * stretch_s)
        self._size = 2 * OVERSAMPLING * self._bins
        self._lags = int(self._size * MAX_DELAY_S / stretch_s)
        self._pairs = list(combinations(range(channels), 2))
        self._rest = np.zeros((self._delay, channels), np.float32)
        self._cells: list[npt.NDArray[np.float16]] = []

    def add(self, frames: Float32Array) -> None:
        """Finite float32 ``(n, channels)``."""
        if self._cell < LEAST_CELL_FRAMES:
            return
        self._rest = np.concatenate((self._rest, frames))
        while self._rest.shape[0] >= self._stretch:
            self._cells.append(self._compare(self._rest[: self._stretch]))
            self._rest = self._rest[self._cell :]

    def _compare(self, stretch: Float32Array) -> npt.NDArray[np.float16]:
        """One cell, ``(1, pairs, 6)``.

        The second's level (dBFS); the first's at the delay, the least and the most around it; correlation; delay, lags.
        """
        spectra = fft.rfft(stretch.T.astype(np.float64), axis=1)[:, : self._bins + 1]
        spectra[:, : self._first_bin] = 0.0
        spectra[:, -1] = 0.0
        sound = fft.irfft(spectra, self._size, axis=1) * (self._size / self._stretch)
        spectra *= self._size / self._stretch
        inner = slice(self._lags, self._size - self._lags)
        length = self._size - 2 * self._lags
        cells = np.zeros_like(sound)
        cells[:, inner] = sound[:, inner]
        summed = np.concatenate((np.zeros((sound.shape[0], 1)), np.cumsum(np.square(sound), axis=1)), axis=1)
        power = (summed[:, length:] - summed[:, :-length])[:, : 2 * self._lags + 1] / length
        level = 10.0 * np.log10(np.maximum(power, 1e-12))
        shifted = np.conj(fft.rfft(cells, axis=1)[:, : self._bins + 1])
        least, most, middle = level.min(axis=1), level.max(axis=1), level[:, self._lags]
        out = np.zeros((len(self._pairs), 6), np.float16)
        for at, (a, b) in enumerate(self._pairs):
            out[at, :4] = middle[b], middle[a], least[a], most[a]
            if min(most[a], middle[b]) < SILENT_DBFS:
                continue
            product = fft.irfft(spectra[a] * shifted[b], self._size)
            product = np.concatenate((product[-self._lags :], product[: self._lags + 1])) / length
            correlation = product / np.sqrt(np.maximum(power[a], 1e-12) * power[b, self._lags])
            best = int(np.abs(correlation).argmax())
            out[at, 1] = level[a, best]
            out[at, 4:] = correlation[best], best - self._lags
        return out[np.newaxis]

    def relation(self, a: int, b: int) -> Relation:
        """Of two channels."""
        if not self._cells:
            return UNRELATED
        at = self._pairs.index((min(a, b), max(a, b)))
        if len(self._cells) > 1:
            self._cells = [np.concatenate(self._cells)]
        second, first, least, most, correlation, delay = self._cells[0][:, at].T.astype(np.float64)
        lag = self._usual(first, second, correlation, delay)
        near = (np.abs(delay - lag) <= SAME_DELAY_S / MAX_DELAY_S * self._lags) & (correlation != 0.0)
        powers = 10.0 ** (first / 10.0), 10.0 ** (second / 10.0)
        shared = np.where(near, correlation, 0.0) * np.sqrt(powers[0] * powers[1])
        overall = float(shared.sum() / np.sqrt(powers[0].sum() * powers[1].sum()))
        if abs(overall) < ONE_SOUND:
            return Relation(overall, own=True)
        gap = 10.0 * np.log10(powers[1].sum() / powers[0].sum())
        left = _unexplained(powers[0], powers[1], shared), _unexplained(powers[1], powers[0], shared)
        # Where nothing tells the delay, neither is louder than the other is anywhere around.
        least, most = np.where(near, first, least), np.where(near, first, most)
        own = _own(least, second - gap, left[0], left[1] - gap) | _own(second, most + gap, left[1], left[0] + gap)
        sounding = (first > SILENT_DBFS) | (second > SILENT_DBFS)
        return Relation(overall, bool(own.sum() >= max(OWN_CELLS, OWN_SHARE * sounding.sum())))

    def _usual(self, first: CellArray, second: CellArray, correlation: CellArray, delay: CellArray) -> int:
        """The delay, in lags, that most of the loud cells have."""
        loud = (first > np.percentile(first, 95.0) - LOUD_DB) & (second > np.percentile(second, 95.0) - LOUD_DB)
        weights = np.where(loud, np.abs(correlation), 0.0)
        votes = np.bincount((delay + self._lags).astype(np.intp), weights, 2 * self._lags + 1)
        return int(np.convolve(votes, (1.0, 1.5, 1.0), "same").argmax()) - self._lags


def _unexplained(power: CellArray, other: CellArray, shared: CellArray) -> CellArray:
    """What the other channel at its usual gain leaves of a channel in each cell, dBFS. ``shared``: their products."""
    gain = shared.sum() / other.sum()
    return np.asarray(10.0 * np.log10(np.maximum(power - 2.0 * gain * shared + gain**2 * other, 1e-12)))


def _own(level: CellArray, other: CellArray, left: CellArray, others_left: CellArray) -> npt.NDArray[np.bool_]:
    """Cells in which a channel has sound of its own, bool ``(cells,)``.

    ``level``: its levels; ``left``: what the other does not explain of them; ``other``, ``others_left``: the other's,
    as loud as that is on this channel. All dBFS, float64 ``(cells,)``. Sound that would drown in the other's noise says
    nothing.
    """
    heard = left > max(float(np.percentile(left, 10.0)) + ABOVE_FLOOR_DB, SILENT_DBFS)
    heard &= level > np.percentile(level, 10.0) + LOUDER_DB
    would_show = level > np.percentile(others_left, 10.0) + MOVED_DB
    return np.asarray(
        heard & would_show & (left - level > 10.0 * np.log10(UNEXPLAINED)) & (level - other >= MOVED_DB), np.bool_
    )
