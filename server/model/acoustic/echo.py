"""The talker's own voice in the microphone a moment later. A pure function of ``Window.echo``."""

import numpy as np

from server.values.audio import Float32Array
from server.values.marked import MarkedRows
from server.values.rows import ROW_RATE
from server.values.windows import ECHO_RATE

SHORTEST_LAG, LONGEST_LAG = ECHO_RATE // 10, ECHO_RATE * 33 // 100
"""100 to 330 ms: what comes back earlier is the room's; the longest lags meet the edges of a hop."""

STANDS_OUT = 1.6
"""An echo has one delay, and exceeds what else there is by three quarters and more; speech has many weak ones."""

BESIDE = ECHO_RATE // 100
"""10 ms on either side of a delay belong to it."""


def own_echo(echo: Float32Array) -> float | None:
    """Strength of an echo at a fixed delay of 100–330 ms, 0..1, and 0 if none stands out. ``None`` without sound.

    About g / (1 + g²) for an echo with the gain g. A delay between two samples shows in both.
    """
    together = echo.sum(axis=0, dtype=np.float64)
    if not echo.shape[0] or together[0] <= 0.0:
        return None
    late = together[SHORTEST_LAG:LONGEST_LAG] + together[SHORTEST_LAG + 1 : LONGEST_LAG + 1]
    at = int(np.argmax(late))
    others = np.concatenate((late[: max(0, at - BESIDE)], late[at + BESIDE + 1 :]))
    strength = float(late[at] / together[0])
    return float(np.clip(strength, 0.0, 1.0)) if late[at] >= STANDS_OUT * others.max(initial=0.0) else 0.0


def patient_hops(rows: MarkedRows, hops: int) -> Float32Array:
    """1 for each of the first ``hops`` hops in which the far end says nothing, else 0: float32 ``(hops, 1)``."""
    silent = np.ones((hops, 1), np.float32)
    spoken = np.flatnonzero(rows.far_end) // ROW_RATE
    silent[spoken[spoken < hops]] = 0.0
    return silent
