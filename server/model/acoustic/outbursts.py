"""Outbursts beside clean words: the patient's own cough, a door. Pure functions.

A cough is no noise over the words, no word, and no fault of the room, but it fills a pause, a detector takes it for
speech, and a rating of ten seconds is low for it. Where a denoiser hears that the words themselves are clean, what
sounds beside them is judged by its lasting part alone, and what it takes away nearly whole is no speech.
"""

import numpy as np

from server.model.acoustic.levels import DIP_MARGIN_DB, QUIET_PERCENTILE, Noise
from server.model.acoustic.words import ACTIVE_RANGE_DB, LEAST_VOICE_DB, LOUD_PERCENTILE
from server.values.audio import Float32Array
from server.values.marked import MarkedRows
from server.values.percentiles import percentile
from server.values.rows import BoolArray

CLEAN_WORDS_DB = 14.0
"""``words_snr_db`` from which words are clean. Of the 126 mixes those with noise at 8 dB and less have 11.9 at most,
but for a voice from a television, and those at 15 dB and more have 15.6 at least."""

OUTBURST_DB = 6.0
"""Mean noise so far over its lasting part is an outburst. Breaths of clean talkers reach as much."""

LEAST_TAKEN_ROWS = 20
"""Of what a detector took for speech and a denoiser took away: 0.2 s, as long as a short cough."""


def no_words(rows: MarkedRows, denoised: Float32Array, words_db: float | None) -> BoolArray | None:
    """Rows as loud as words that a detector took for speech and a denoiser took away nearly whole, bool ``(n,)``;
    ``None`` unless the words are clean. The ends of words, which a noise covers, are speech. ``denoised``: as
    ``words.by_row`` gives it; ``words_db``: ``words_snr`` of the stretch."""
    if words_db is None or words_db < CLEAN_WORDS_DB:
        return None
    with np.errstate(invalid="ignore"):
        left = denoised[:, 0] - denoised[:, 1]
        words, away = rows.sounding_speech & (left >= LEAST_VOICE_DB), rows.sounding_speech & (left < LEAST_VOICE_DB)
    return np.asarray(away & (rows.level_db >= percentile(rows.level_db[words], LOUD_PERCENTILE) - ACTIVE_RANGE_DB))


def noise_beside_words(rows: MarkedRows, room: Noise | None, taken: BoolArray | None) -> tuple[float | None, bool]:
    """Level of ``room``, dBFS, and whether an outburst is heard in it, which then counts by its lasting part alone.
    ``taken``: ``no_words``, ``None`` where the words are not clean: every event counts."""
    mean_db = None if room is None else room.mean_db
    if taken is None:
        return mean_db, False
    coughs = int(np.count_nonzero(taken)) >= LEAST_TAKEN_ROWS
    if room is None:
        return None, coughs
    lasting_db = _lasting(rows, room)
    outburst = coughs or room.mean_db - lasting_db >= OUTBURST_DB
    return (lasting_db if outburst else mean_db), outburst


def _lasting(rows: MarkedRows, room: Noise) -> float:
    """Half-way between mean and median, and no further over the quietest tenth of the rows than lasting noise is."""
    heard = rows.level_db[rows.sounding]
    dips = percentile(heard, QUIET_PERCENTILE) + DIP_MARGIN_DB if heard.size else room.steady_db
    return min(room.steady_db, dips)
