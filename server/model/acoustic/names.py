"""The names of the measures that the curves of a label file may read."""

from dataclasses import fields
from enum import StrEnum

from server.scoring.denoising import ESTIMATED_ESTOI, WORDS_SNR
from server.values.measures import Measures


class Internal(StrEnum):
    """Measures that only curves read (docs/measures.md)."""

    SPEECH_S = "speech_s"
    """Seconds of speech, scaled to a full window of 10 s."""
    SILENCE_RATIO = "silence_ratio"
    """Fraction of rows of digital silence or below -90 dBFS, 0..1."""
    HIGH_BAND_DB = "high_band_db"
    """4–7.5 kHz against 100–1000 Hz of the voice, the room taken off, dB; absent where a telephone line is heard."""
    TELEPHONE_EDGE_DB = "telephone_edge_db"
    """Fall of the voice at 4 kHz, dB, where only a telephone line's falls so far; never where a line was declared."""
    LINE_BAND_DB = "line_band_db"
    """2.5–3.3 kHz against 100–1000 Hz of the voice, dB, where a telephone line was declared."""
    PEAK_PILE = "peak_pile"
    """Share of the speech that peaks at the loudest level, less what peaks just below it: clipping, however changed.
    In ``recent`` the
    smaller one of the whole window and of the session's speech before it (``Window.carried_peaks``)."""
    SELF_ECHO = "self_echo"
    """Strength of the talker's own voice coming back after 100–330 ms, 0..1; 0 where no delay stands out."""
    LIFTED_SPEECH_DBFS = "lifted_speech_dbfs"
    """``speech_dbfs`` as loud as playback can make it before the recording's own noise is heard, dBFS."""
    NOISE_ALONE_DBFS = "noise_alone_dbfs"
    """Noise level if nobody speaks, so that there is no SNR, dBFS."""
    TRUSTED_MOS_BACKGROUND = "trusted_mos_background"
    """``mos_background`` where no echo is heard, which it would rate as background, and pauses carry the SNR."""
    UNPAUSED_MOS_BACKGROUND = "unpaused_mos_background"
    """The same, if there is hardly a pause to measure the SNR in."""
    RESIDUE_MOS = "residue_mos"
    """``mos_overall``, or ``mos_background`` less 0.6 where that is more: low only where both are, so that noise, or
    what suppression left of it, has damaged the speech. Absent where a room or an echo is heard."""
    DISTANT_MOS_SIGNAL = "distant_mos_signal"
    """``mos_signal`` where the room is heard in the speech, and nothing else explains a low value."""
    WORDS_SNR_DB = WORDS_SNR
    """Voice against noise while the patient speaks, by a denoiser, dB: the noise that no pause shows. Absent without
    one, for whispers, and where an echo or clipping would read as noise."""
    DRY_MOS_OVERALL = "dry_mos_overall"
    """``mos_overall`` where no room or echo is heard, which DNSMOS rates as damage, and no heavy clipping."""
    DRY_MOS_SIGNAL = "dry_mos_signal"
    """``mos_signal`` where ``dry_mos_overall`` is."""
    ESTIMATED_ESTOI = ESTIMATED_ESTOI
    """ESTOI of the sound against the voice that a denoiser hears in it, -1..1. Absent without a denoiser,
    for whispers, and where an echo is heard, which a denoiser takes away."""
    OVERLAP = "overlap"
    """Share of the speech in which two people speak at once, by our own network, 0..1; absent under noise that would
    hide it, and where the talker models tell."""
    TOGETHER = "together"
    """The same by the talker models, over the speech that they have heard so far; absent without them, and where a
    room, an echo or a noise passes for a second talker."""


PUBLIC_NAMES = frozenset(field.name for field in fields(Measures)) - {"pauses"}
MEASURE_NAMES = PUBLIC_NAMES | frozenset(Internal)
"""The measures that a curve of a label file may read."""
