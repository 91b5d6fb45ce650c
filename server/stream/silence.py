"""Long digital silence: when it is known, and what stands for its sound."""

import numpy as np

from server.values.audio import CORE_RATE, Float32Array
from server.values.rows import is_silent
from server.values.windows import WINDOW_S

SETTLED_S = 600
"""After so much digital silence Silero's memory of what it heard is gone: it falls by half in 28 s (measured)."""

SILENT_PCM = np.zeros(WINDOW_S * CORE_RATE, np.float32)
SILENT_PCM.flags.writeable = False


def are_silent(rows: Float32Array, after: Float32Array) -> bool:
    """Whether ``rows`` are digital silence, and the samples ``after`` them zeros."""
    return bool(is_silent(rows).all()) and not after.any()
