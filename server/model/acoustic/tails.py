"""Whether what sounds behind the words is a room's tail or a noise, where a denoiser has parted them. Pure functions.

A tail is the voice itself, later: it is loud behind a loud word and dies away until the next one. A noise that fills
the dips of the speech looks like a tail to the levels alone, and what a denoiser takes away of it comes and goes as it
likes.
"""

import numpy as np
import numpy.typing as npt

from server.scoring.denoising import TENTHS
from server.values.audio import Float32Array
from server.values.percentiles import percentile

ECHOING = 0.25
"""``reverberation`` from which DNSMOS rates the echo as background noise, and its tail fills the pauses: a C50 of about
11 dB (docs/measures.md)."""

OWN_ECHOING = 0.2
"""``self_echo`` from which the talker's own voice is heard again: clean speech stays under 0.08, echoes with a gain of
0.6 and more at 120–300 ms reach 0.3. A siren reaches 0.15 beside a loud voice, and 0.64 in windows of 5 to 10 s at an
SNR of 8 dB, which ``tails_heard`` does not believe (docs/measures.md)."""

NOISY_WORDS_DB = 11.5
"""``words_snr_db`` under which ``low_background`` fails."""

FADES_PER_TENTH = 0.5
"""Of the voice's power, what a tail keeps a tenth of a second later: a reverberation time of 2 s."""

TAIL_TENTHS = 8

LOUD_PERCENTILE = 95.0

SOFT_DB = 15.0
"""So far under the loudest twentieth of its tenths a voice has stopped, and the tail is what sounds."""

RANGE_DB, TAKEN_RANGE_DB = 40.0, 50.0
"""What lies further under the voice is as good as nothing, in the tail and in what is taken away."""

LEAST_KNOWN, LEAST_SOFT = 3 * TENTHS, TENTHS
"""Under a second of dips two levels say nothing of each other; 3 s of words in a room have one."""

LEAST_ALIKE = 0.7
"""``tail_likeness`` from which a room is believed. Where levels heard one (``reverberation`` from 0.25 on), rooms had
0.84 to 0.99 and noises -0.45 to 0.64 (docs/decisions/0053)."""


def is_echoing(reverberation: float | None, own: float | None) -> bool:
    """Whether the room or the talker's own voice is heard again so strongly that its tail looks like noise."""
    return (reverberation is not None and reverberation >= ECHOING) or (own is not None and own >= OWN_ECHOING)


def tails_heard(
    reverberation: float | None, own: float | None, *, alike: float | None, words_db: float | None
) -> tuple[float | None, float | None]:
    """``reverberation`` and ``self_echo`` as they were measured, without those that a noise has made. ``alike``:
    ``tail_likeness``. ``words_db``: ``words_snr``; only where noise is under the words is ``self_echo`` doubted:
    a denoiser takes a voice that comes back for voice."""
    if alike is None or alike >= LEAST_ALIKE:
        return reverberation, own
    noisy = words_db is not None and words_db < NOISY_WORDS_DB
    return (
        None if is_echoing(reverberation, None) else reverberation,
        None if noisy and is_echoing(None, own) else own,
    )


def tail_likeness(denoised: Float32Array) -> float | None:
    """How alike, -1..1, are the level of what a denoiser takes away in the dips of the voice and the level of the voice
    before (Pearson's correlation of dB). 0 without a second of dips; ``None`` where less than 3 s were parted.
    ``denoised``: tenths of a second, dBFS, float32 ``(m, 3)``, as in ``ScoreRequest``."""
    levels = denoised[:, :2].astype(np.float64)
    known = np.isfinite(levels[:, 0]) & np.isfinite(levels[:, 1])
    if np.count_nonzero(known) < LEAST_KNOWN:
        return None
    voice, taken = np.where(known[:, np.newaxis], levels, -np.inf).T
    top = percentile(voice[known], LOUD_PERCENTILE)
    dips = known & (voice < top - SOFT_DB)
    if np.count_nonzero(dips) < LEAST_SOFT:
        return 0.0
    tail = np.maximum(_tail(voice)[dips], top - RANGE_DB)
    away = np.maximum(taken[dips], top - TAKEN_RANGE_DB)
    if min(np.ptp(tail), np.ptp(away)) == 0.0:
        return 0.0
    return float(np.corrcoef(tail, away)[0, 1])


def _tail(voice_db: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What would still sound of the tenths before each one, dBFS, float64 ``(m,)``."""
    weights = np.power(FADES_PER_TENTH, np.arange(TAIL_TENTHS))
    weights[0] = 0.0
    power = np.convolve(np.power(10.0, voice_db / 10.0), weights)[: voice_db.size]
    return np.asarray(10.0 * np.log10(power + 1e-12))
