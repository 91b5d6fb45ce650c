"""How much of the speech has two people speaking at once. A pure function of feature rows and of disturbances."""

import numpy as np

from server.values.marked import MarkedRows
from server.values.rows import Column

SURE = 0.7
"""Probability from which a row counts; noise and echo with a single voice rarely reach it."""

LEAST_ROWS = 150
"""Seconds of speech below which a share means nothing."""

LEAST_SNR_DB = 20.0
"""With noise louder than this SNR, dB, noise looks like a second voice; ``low_background`` fails then."""

LEAST_MOS_BACKGROUND = 2.4
"""The same limit by DNSMOS, which notices television and crying that a detector takes for speech. It rates a second
voice as background too, down to 2.5."""

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
