"""DNSMOS ratings, each under the name of the use for which it can be trusted. A pure function of measures."""

import numpy as np

from server.model.acoustic.names import Internal
from server.values.marked import MarkedRows
from server.values.measures import Measures

CLIPPING = 5e-5
"""Clipping ratio from which clipping is audible."""

HEAVY_CLIPPING = 0.01
"""With 1 % clipped samples or more, DNSMOS hears the distortion as background."""

ROOM_HEARD, ROOM_TOLD = 0.15, 0.60
"""``reverberation`` from which DNSMOS hears the room (C50 of about 12 dB), and from which it is a fault. Between the
two lie furnished rooms at arm's length, which DNSMOS rates as far and damaged speech, SIG down to 1.3."""
QUIET_ROOM_SNR_DB = 16.0
FEW_LOST = 0.005
"""SIG indicates distance if the room is a fault and noise, clipping and losses do not explain it."""

UNPAUSED_ROWS = 80
"""With under 0.8 s of pause in the stretch the SNR misses sounds that a detector takes for speech (cries, barks, TV);
DNSMOS then tells more than the SNR (docs/measures.md)."""


QUIET_RATED_ABOVE = 0.6
"""Clean talkers whom DNSMOS rates low (overall 2.1 to 2.4) have a background of 3.3 or more; noisy and suppressed
speech of that rating stays under 3.1 (bench/pairs.py)."""


def room_passes(reverberation: float | None) -> bool:
    """Whether a room is heard that is no fault, so that SIG says nothing of the speech."""
    return reverberation is not None and ROOM_HEARD <= reverberation < ROOM_TOLD


def trusted_mos(rows: MarkedRows, measures: Measures, *, echoing: bool, outburst: bool = False) -> dict[str, float]:
    """``echoing``: the room or the talker's own voice is heard again, which DNSMOS rates as background; ``outburst``:
    a cough is, beside clean words, which lowers all that it says of background and residues."""
    values: dict[str, float] = {}
    echo = measures.reverberation
    distorted = (measures.clipping_ratio or 0.0) >= HEAVY_CLIPPING
    if measures.mos_background is not None and not distorted and not echoing and not outburst:
        paused = np.count_nonzero(rows.pause) >= UNPAUSED_ROWS
        name = Internal.TRUSTED_MOS_BACKGROUND if paused else Internal.UNPAUSED_MOS_BACKGROUND
        values[name] = measures.mos_background
        if measures.mos_overall is not None and (echo or 0.0) < ROOM_HEARD:
            values[Internal.RESIDUE_MOS] = max(measures.mos_overall, measures.mos_background - QUIET_RATED_ABOVE)
            values[Internal.DRY_MOS_OVERALL] = measures.mos_overall
            if measures.mos_signal is not None:
                values[Internal.DRY_MOS_SIGNAL] = measures.mos_signal
    unexplained = (
        (measures.snr_db or 0.0) >= QUIET_ROOM_SNR_DB
        and (measures.clipping_ratio or 0.0) < CLIPPING
        and (measures.dropout_ratio or 0.0) < FEW_LOST
    )
    if measures.mos_signal is not None and echo is not None and echo >= ROOM_TOLD and unexplained:
        values[Internal.DISTANT_MOS_SIGNAL] = measures.mos_signal
    return values
