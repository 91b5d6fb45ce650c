"""Windows: what a scorer sees, and where they lie in time. Time is a sample index of the declared input rate."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from server.values.audio import Float32Array
from server.values.rows import ROW_RATE, is_far_end, is_speech

WINDOW_S = 10
HOP_S = 1
FIRST_PARTIAL_S = 3
"""Windows are 10 s long and end on whole seconds; the first ends at 3 s and is ``partial`` until 10 s."""

TOO_SHORT_S = 0.5
"""Audio shorter than this, in seconds, has no window: every label is ``null`` with ``why: too_short``."""

FAR_END_LIMIT = 0.25
"""With a larger share of the far end, models that hear a window as a whole (DNSMOS, CLAP) would rate the doctor."""

ECHO_RATE = 2_000
ECHO_LAGS = 700
"""``Window.echo`` holds lags of up to 350 ms, in samples at 2 kHz."""

PEAKS_PER_DB, PEAK_BINS = 4, 241
"""``Window.carried_peaks`` has bins of a quarter of a decibel, from 0 dBFS down to -60 and less."""

RECENT_S = 4
"""``recent`` opinions cover the last 4 s of a window; the prompt policy uses them."""


@dataclass(frozen=True, slots=True)
class Window:
    """What a scorer sees: up to 10 s of one session, with the features advanced once per hop.

    ``start_sample``/``end_sample`` are input-rate indices. ``rows``: float32 ``(n, N_COLUMNS)``, 100 per second,
    read-only. ``pcm``: float32 ``(m,)`` at 16 kHz, -1..1, before levelling, read-only. ``carried_noise_db``: the noise
    floor carried through the session (falls at once, rises slowly), dBFS, ``None`` before the first pause; it is never
    used for ``recent``. ``carried_peaks``: speech rows of the session so far by the level of their peak, float32
    ``(PEAK_BINS,)``, those of long ago counted less; empty where they were not counted. ``echo``: for each hop how
    well it repeats what came up to 350 ms earlier, float32 ``(hops, ECHO_LAGS)``, whitened; empty where it was not
    computed. ``tracked``: the feature trackers' output for this window (for example a mel spectrogram).
    """

    start_sample: int
    end_sample: int
    sample_rate: int
    partial: bool
    rows: Float32Array
    pcm: Float32Array
    carried_noise_db: float | None = None
    carried_peaks: Float32Array = field(default_factory=lambda: np.zeros(0, np.float32))
    echo: Float32Array = field(default_factory=lambda: np.zeros((0, ECHO_LAGS), np.float32))
    tracked: Mapping[str, npt.NDArray[np.generic]] = field(default_factory=dict)

    @property
    def start_s(self) -> float:
        """Seconds from the start of the stream."""
        return self.start_sample / self.sample_rate

    @property
    def end_s(self) -> float:
        """Seconds from the start of the stream; the window's last sample is the one before it."""
        return self.end_sample / self.sample_rate

    @property
    def speech_s(self) -> float:
        """Seconds in which the patient speaks."""
        return float(np.count_nonzero(is_speech(self.rows))) / ROW_RATE

    @property
    def speech_ratio(self) -> float:
        """Fraction of rows in which the patient speaks, 0..1."""
        n = self.rows.shape[0]
        return float(np.count_nonzero(is_speech(self.rows))) / n if n else 0.0

    @property
    def far_end_ratio(self) -> float:
        """Fraction of rows in which the far end speaks, 0..1."""
        n = self.rows.shape[0]
        return float(np.count_nonzero(is_far_end(self.rows))) / n if n else 0.0

    @property
    def is_patients(self) -> bool:
        """Whether a model that hears the window as a whole would rate the patient, not the far end."""
        return self.far_end_ratio <= FAR_END_LIMIT
