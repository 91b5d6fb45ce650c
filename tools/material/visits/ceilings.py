"""Whether a recording was clipped before it came to us, by its peaks alone; none of the product's own measures.

Turned down, encoded or resampled after clipping, no sample stays at full scale and no top stays flat. But the peaks
still pile up under the ceiling, on both sides of zero or on one: natural sound has ever fewer towards the loudest.
"""

import numpy as np
import numpy.typing as npt

from tools.material.visits.truth import Audio

BIN_DB = 0.5
PILE_BINS, BELOW_BINS = 3, (4, 10)
"""Half decibels under the loudest peak in one of which the pile lies, and which it is held against: 2 to 5 dB down."""
LEAST_PILE, LEAST_BELOW = 30, 5.0
"""Peaks in the pile, so that chance does not make it, and in each half decibel below: a tone's are all alike."""
LEAST_RATIO = 2.5
"""Of all talkers LS-446 reaches it, with 3.8 (of the others with as many peaks none has more than 0.9)."""


def pile_ratio(samples: Audio) -> float:
    """Peaks in the fullest half decibel of the loudest 1.5 dB, against those in half a decibel 2 to 5 dB down.

    The larger of both signs; 0 where there are too few peaks to tell.
    """
    return max(_ratio(samples), _ratio(-samples))


def has_ceiling(samples: Audio) -> bool:
    """Whether ``samples``, mono, were clipped in whatever they come from."""
    return pile_ratio(samples) >= LEAST_RATIO


def _ratio(samples: Audio) -> float:
    inner = samples[1:-1]
    peaks: npt.NDArray[np.float64] = inner[(inner >= samples[:-2]) & (inner > samples[2:]) & (inner > 0.0)]
    if not peaks.size:
        return 0.0
    under_db = -20.0 * np.log10(peaks / peaks.max())
    counted = np.histogram(under_db, np.arange(BELOW_BINS[1] + 1) * BIN_DB)[0]
    pile, below = int(counted[:PILE_BINS].max()), float(counted[slice(*BELOW_BINS)].mean())
    return pile / below if pile >= LEAST_PILE and below >= LEAST_BELOW else 0.0
