"""Signs of audio that was lost on its way to us: cut out in single quanta, or concealed by repeats. Pure functions."""

import numpy as np
import numpy.typing as npt
from scipy import fft

from server.values.audio import CORE_RATE, Float32Array
from server.values.rows import REPEATED, ROW_RATE, SPEECH_THRESHOLD, BoolArray
from server.values.stretches import stretches

LEAST_ZEROS = 64
"""A run of this many exact zeros was cut out: half a render quantum of the Web Audio API (128 samples). Rounding leaves
such runs only where the sound is faint, and what ``cut_sound`` returns is then faint too."""

BESIDE_MS = 0.5
"""Sound that a loss cuts off is still loud half a millisecond before it; a gate or a fade has made it quiet."""

ROW_SAMPLES = CORE_RATE // ROW_RATE

SHORTEST_LAG, LONGEST_LAG = CORE_RATE // 400, CORE_RATE * 3 // 200
"""Pitch periods that concealment repeats, in samples at 16 kHz: 2.5 to 15 ms (ITU-T G.711 Appendix I)."""

PACKET_LAGS = (2 * ROW_SAMPLES, 3 * ROW_SAMPLES, 6 * ROW_SAMPLES)
"""Packets of 20, 30 and 60 ms that are repeated as a whole (10 ms is among the pitch periods)."""

CONTEXT_SAMPLES = PACKET_LAGS[-1] + 1
"""Samples before a hop that its first rows are compared with."""

PITCH_RESIDUAL = 10.0**-2.5
PACKET_RESIDUAL = 10.0**-4
"""A row is a copy if less than this of its energy is not explained by the earlier sound: -25 dB at a pitch period,
where clean voices and codecs stay above -23 dB; -40 dB at a packet's length."""

LOUDEST_GAIN = 1.1
"""A repeat does not grow: concealment fades."""

QUIETEST_REPEAT = 1e-8
"""Mean square of the twice differenced signal (about -60 dBFS of speech) below which a copy looks like rounding."""


def cut_sound(samples: Float32Array, bounds: npt.NDArray[np.int64], rate: int) -> Float32Array:
    """Per row, the peak of the sound that a run of zeros cuts off in it, linear 0..1: float32 ``(rows,)``.

    ``samples``: one hop at the input ``rate``, float32 ``(n,)``; ``bounds``: first samples of its rows and the end of
    the last, ``(rows + 1,)``. A run that begins or ends with the hop has one edge only.
    """
    out = np.zeros(bounds.shape[0] - 1, np.float32)
    zero = samples[: bounds[-1]] == 0.0
    if np.count_nonzero(zero) < LEAST_ZEROS:
        return out
    edges = np.flatnonzero(np.diff(np.concatenate(([False], zero, [False])).astype(np.int8))).reshape(-1, 2)
    starts, ends = edges[edges[:, 1] - edges[:, 0] >= LEAST_ZEROS].T
    beside = max(1, round(rate * BESIDE_MS / 1000))
    near = np.arange(beside)
    for at, first in ((starts, starts - beside), (ends - 1, ends)):
        beyond = first[:, None] + near
        inside = (beyond >= 0) & (beyond < samples.shape[0])
        sound = np.where(inside, np.abs(samples[np.where(inside, beyond, 0)]), np.float32(0.0))
        np.maximum.at(out, np.searchsorted(bounds, at, side="right") - 1, sound.max(axis=1))
    return out


def repeated_rows(pcm: Float32Array, first: int, speech: Float32Array) -> BoolArray:
    """Rows of speech that are a copy, perhaps fainter, of what was heard one pitch period or packet earlier.

    ``pcm``: float32 at 16 kHz; the first row begins at sample ``first`` of it, behind up to ``CONTEXT_SAMPLES`` of
    context. ``speech``: float32 ``(rows,)``, probabilities 0..1. Bool ``(rows,)``.

    Compared after differencing twice, which removes direct current and mains hum, because both repeat for ever, and
    weighs the highs up: the lows of a voice alone, as under a hand, nearly repeat by themselves.
    """
    rows = speech.shape[0]
    found = np.zeros(rows, np.bool_)
    signal = np.diff(pcm, n=2, prepend=pcm[:1].repeat(2))
    starts = first + np.arange(rows) * ROW_SAMPLES
    energy = _row_energy(signal)
    loud = (speech >= SPEECH_THRESHOLD) & (energy[starts] > QUIETEST_REPEAT * ROW_SAMPLES)
    near = np.flatnonzero(loud & (starts >= LONGEST_LAG))
    if near.size:
        found[near] = _repeats_a_period(signal, energy, starts[near])
    far = np.flatnonzero(loud & (starts >= PACKET_LAGS[0]))
    if far.size:
        found[far] |= _repeats_a_packet(signal, energy, starts[far])
    return found


def losses(cut: Float32Array, repeated: BoolArray) -> Float32Array:
    """The column LOSS, float32 ``(rows,)``."""
    return np.where(repeated & (cut == 0.0), np.float32(REPEATED), cut)


def _row_energy(signal: Float32Array) -> npt.NDArray[np.float64]:
    """Energy of the row-long stretch that begins at each sample, float64 ``(n - 159,)``."""
    summed = np.concatenate(([0.0], np.cumsum(np.square(signal, dtype=np.float64))))
    return np.asarray(summed[ROW_SAMPLES:] - summed[:-ROW_SAMPLES])


def _repeats_a_period(signal: Float32Array, energy: npt.NDArray[np.float64], starts: npt.NDArray[np.intp]) -> BoolArray:
    """Whether the rows at ``starts`` repeat what came ``SHORTEST_LAG`` to ``LONGEST_LAG`` samples earlier."""
    size = LONGEST_LAG + ROW_SAMPLES
    heard = stretches(signal, size)[starts - LONGEST_LAG]
    rows = heard[:, LONGEST_LAG:]
    # Position k of the product holds the lag LONGEST_LAG - k; nothing wraps up to k = LONGEST_LAG.
    spectra = fft.rfft(heard, size, axis=1)
    spectra *= np.conj(fft.rfft(rows, size, axis=1))
    lags = LONGEST_LAG - SHORTEST_LAG + 1
    product = fft.irfft(spectra, size, axis=1)[:, :lags]
    before = stretches(energy, lags)[starts - LONGEST_LAG]
    explained = np.square(np.maximum(product, np.float32(0.0))) / np.maximum(before, 1e-12)
    best = explained.argmax(axis=1)
    at = np.arange(starts.shape[0])
    copied = explained[at, best] >= (1.0 - PITCH_RESIDUAL) * energy[starts]
    return np.asarray(copied & (product[at, best] <= LOUDEST_GAIN * before[at, best]))


def _repeats_a_packet(signal: Float32Array, energy: npt.NDArray[np.float64], starts: npt.NDArray[np.intp]) -> BoolArray:
    """Whether the rows at ``starts`` repeat what came any of ``PACKET_LAGS`` samples earlier."""
    blocks = stretches(signal, ROW_SAMPLES)
    rows = blocks[starts]
    found = np.zeros(starts.shape[0], np.bool_)
    for lag in PACKET_LAGS:
        known = int(np.searchsorted(starts, lag))
        before = starts[known:] - lag
        product = np.einsum("ij,ij->i", rows[known:], blocks[before])
        explained = np.square(product) >= (1.0 - PACKET_RESIDUAL) * energy[starts[known:]] * energy[before]
        found[known:] |= explained & (product > 0) & (energy[before] > QUIETEST_REPEAT * ROW_SAMPLES)
    return found
