"""How much of the speech is two people's at once. A pure function of feature rows, and of what spoils the hearing."""

import numpy as np

from server.model.acoustic.levels import sounding_speech
from server.values.audio import Float32Array
from server.values.rows import Column

SURE = 0.7
"""Probability from which a row counts: what the network says of noise and echo beside one voice rarely gets there."""

LEAST_ROWS = 150
"""Under 1.5 s of speech a share is an accident."""

LEAST_SNR_DB = 20.0
"""Louder noise is not told from a second voice: there the background is the finding (``low_background``)."""

LEAST_MOS_BACKGROUND = 3.0
"""The same by DNSMOS, which hears the television and the crying that a detector takes for speech."""

MOST_ECHO = 0.3
"""``reverberation`` from which one's own voice of a moment ago may pass for another's."""


def overlap_share(
    rows: Float32Array, *, snr_db: float | None, mos_background: float | None, reverberation: float | None
) -> float | None:
    """Share of the speech with two voices in it, 0..1.

    ``None`` under 1.5 s of judged speech, under noise, and where the room echoes or its echo cannot be told (heavy
    clipping): all of these look like a second voice to the network.
    """
    if snr_db is None or snr_db < LEAST_SNR_DB:
        return None
    if mos_background is not None and mos_background < LEAST_MOS_BACKGROUND:
        return None
    if reverberation is None or reverberation >= MOST_ECHO:
        return None
    heard = rows[sounding_speech(rows) & (rows[:, Column.OVERLAP] >= 0.0), Column.OVERLAP]
    return float(np.count_nonzero(heard >= SURE)) / heard.size if heard.size >= LEAST_ROWS else None
