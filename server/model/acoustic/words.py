"""Voice against the noise under it, where a denoiser has parted them. Pure functions."""

import numpy as np

from server.scoring.denoising import COLUMNS, TENTHS
from server.values.audio import Float32Array
from server.values.marked import MarkedRows
from server.values.percentiles import percentile
from server.values.rows import ROW_RATE, BoolArray

LEAST_WORDS_ROWS = 50
"""Under half a second of speech a syllable decides."""

LEAST_VOICE_DB = -6.0
"""Under it a denoiser has taken nearly all of a tenth of a second away: it is no word, but a cough or a bark that the
detector took for speech (100 real coughs: -6 to -54 dB in most of it; words in noise at 3 dB SNR: over -6)."""

ACTIVE_RANGE_DB = 15.0
"""Rows this far under the loudest twentieth of the speech are ends of words and voices from elsewhere."""

LOUD_PERCENTILE = 95.0
LOWEST_SNR_DB, HIGHEST_SNR_DB = -20.0, 60.0


def by_row(denoised: Float32Array, n: int) -> Float32Array:
    """``denoised``, of tenths of a second ``(m, 3)``, for each of ``n`` rows: float32 ``(n, 3)``, NaN where it ends
    early."""
    rows = np.repeat(denoised, ROW_RATE // TENTHS, axis=0)[:n]
    unknown = np.full((n - rows.shape[0], COLUMNS), np.nan, np.float32)
    return np.concatenate((rows, unknown)).astype(np.float32, copy=False)


def words_snr(rows: MarkedRows, denoised: Float32Array) -> float | None:
    """Mean power of the voice over that of the noise in the rows of words, dB, -20..60; ``None`` under half a second
    of words that were parted. ``denoised``: as ``by_row`` gives it.

    Only what sounds under the words counts: a cough or a door between them is what the pauses measure.
    """
    heard = _words(rows, denoised)
    if heard is None:
        return None
    voice, noise = np.power(10.0, denoised[heard, :2].astype(np.float64) / 10.0).mean(axis=0)
    return float(np.clip(10.0 * np.log10(voice / noise), LOWEST_SNR_DB, HIGHEST_SNR_DB))


def estimated_estoi(rows: MarkedRows, denoised: Float32Array) -> float | None:
    """Mean likeness of the sound and the voice in it over the same rows, -1..1; ``None`` where fewer than half a second
    of them have one. ``denoised``: as ``by_row`` gives it."""
    heard = _words(rows, denoised)
    if heard is None:
        return None
    known = denoised[heard & np.isfinite(denoised[:, 2]), 2]
    return float(known.mean()) if known.size >= LEAST_WORDS_ROWS else None


def _words(rows: MarkedRows, denoised: Float32Array) -> BoolArray | None:
    """Rows of words that were parted, without ends of words and voices from elsewhere; ``None`` under half a second."""
    with np.errstate(invalid="ignore"):
        heard = rows.sounding_speech & (denoised[:, 0] - denoised[:, 1] >= LEAST_VOICE_DB)
    if np.count_nonzero(heard) < LEAST_WORDS_ROWS:
        return None
    return np.asarray(heard & (rows.level_db >= percentile(rows.level_db[heard], LOUD_PERCENTILE) - ACTIVE_RANGE_DB))
