"""How much of the speech has two people speaking at once. A pure function of feature rows and of disturbances."""

from collections.abc import Callable

import numpy as np

from server.model.acoustic.ratings import ROOM_TOLD
from server.values.audio import Float32Array
from server.values.marked import MarkedRows
from server.values.measures import Measures
from server.values.rows import ROW_RATE, BoolArray, Column, runs
from server.values.windows import RECENT_S

SURE = 0.7
"""Probability from which a row counts; noise and echo with a single voice rarely reach it."""

LEAST_ROWS = 150
"""Seconds of speech below which a share means nothing."""

LEAST_SNR_DB = 20.0
"""With noise louder than this SNR, dB, noise looks like a second voice; ``low_background`` fails then."""

LEAST_MOS_BACKGROUND = 2.4
"""The same limit by DNSMOS, which notices television and crying that a detector takes for speech. It rates a second
voice as background too, down to 2.5."""

LEAST_TOGETHER_SNR_DB = 10.0
"""The same for the talker models, which know a noise from a voice."""

LASTING_ROWS, JOINED_ROWS = ROW_RATE // 2, ROW_RATE // 10
"""Who takes the turn often begins before the other has ended: at most half a second, or nobody could talk. Shorter
silences within a run are no end of it."""

LEAST_TOGETHER_ROWS = ROW_RATE
"""A cough, a sneeze or a word in between is over sooner, in all of its runs together."""

LEAST_VOICES_DB = 4.0
"""Where a denoiser leaves less of a run, by mean power, the second is no voice but the patient's own cough, sneeze or
laugh over the words: it left -7.6 to 3.6 dB in 11 of the 12 runs of a second and more in 70 made visits with coughs,
and 4.5 to 23.5 in 57 of 59 of two talkers (docs/decisions/0047)."""

MOST_ECHO = 0.15
"""``reverberation`` from which the echo of one's own voice can look like a second voice."""


def overlap_share(
    rows: MarkedRows, *, snr_db: float | None, mos_background: float | None, reverberation: float | None
) -> float | None:
    """Share of the speech with two voices in it, 0..1.

    ``None`` with less than 1.5 s of judged speech, with noise, and if the room echoes or its echo cannot be measured
    (heavy clipping): all of these look like a second voice to the network.
    """
    if snr_db is None or snr_db < LEAST_SNR_DB:
        return None
    if mos_background is not None and mos_background < LEAST_MOS_BACKGROUND:
        return None
    if reverberation is None or reverberation >= MOST_ECHO:
        return None
    overlap = rows.array[rows.sounding_speech, Column.OVERLAP]
    heard = overlap[overlap >= 0.0]
    return float(np.count_nonzero(heard >= SURE)) / heard.size if heard.size >= LEAST_ROWS else None


def together_share(
    rows: MarkedRows, together: Float32Array, measures: Measures, denoised: Float32Array
) -> float | None:
    """Share of the speech that was asked about with two talkers in it, 0..1; ``together`` as in ``ScoreRequest``,
    ``denoised`` as ``words.by_row`` gives it.

    ``None`` with less than 1.5 s of it, and where a room, a cry or a television passes for a second talker. The
    talker's own echo is the caller's to know.
    """
    if measures.snr_db is None or measures.snr_db < LEAST_TOGETHER_SNR_DB:
        return None
    if measures.mos_background is not None and measures.mos_background < LEAST_MOS_BACKGROUND:
        return None
    if measures.reverberation is not None and measures.reverberation >= ROOM_TOLD:
        return None
    return _share(rows.sounding_speech, together, denoised)


def latest_share(rows: MarkedRows, together: Float32Array, denoised: Float32Array) -> float | None:
    """The same, 0..1, over the last 4 s that were asked about, whatever the noise."""
    asked = np.flatnonzero(together >= 0.0)
    if not asked.size:
        return None
    start = max(0, int(asked[-1]) + 1 - RECENT_S * ROW_RATE)
    return _share(rows.sounding_speech[start:], together[start:], denoised[start:])


def _share(speech: BoolArray, together: Float32Array, denoised: Float32Array) -> float | None:
    if together.shape != speech.shape:
        return None
    asked = speech & (together >= 0.0)
    n = int(np.count_nonzero(asked))
    if n < LEAST_ROWS:
        return None
    both = int(np.count_nonzero(_lasting(together > 0.0, denoised) & asked))
    return both / n if both >= LEAST_TOGETHER_ROWS else 0.0


def _lasting(together: BoolArray, denoised: Float32Array) -> BoolArray:
    """Runs that are longer than the moment in which turns change, and in which two voices are left by a denoiser."""
    joined = ~_runs_of(~together, lambda start, end: end - start > JOINED_ROWS)
    return _runs_of(joined, lambda start, end: end - start >= LASTING_ROWS and _are_voices(denoised[start:end]))


def _are_voices(denoised: Float32Array) -> bool:
    """Whether mostly voice is left of these rows; also where that is unknown."""
    known = denoised[np.isfinite(denoised[:, :2]).all(axis=1), :2]
    if not known.size:
        return True
    voice, noise = np.power(10.0, known.astype(np.float64) / 10.0).mean(axis=0)
    return bool(10.0 * np.log10(voice / noise) >= LEAST_VOICES_DB)


def _runs_of(mask: BoolArray, wanted: Callable[[int, int], bool]) -> BoolArray:
    found = np.zeros(mask.shape[0], np.bool_)
    for start, end in runs(mask).tolist():
        found[start:end] = wanted(start, end)
    return found
