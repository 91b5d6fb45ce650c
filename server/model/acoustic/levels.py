"""Levels of speech and of the room, and their distance. Pure functions of feature rows."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from server.values.marked import MarkedRows
from server.values.percentiles import percentile
from server.values.rows import BoolArray, spread

FLOOR_DB = -120.0

LEAST_SPEECH_ROWS = 20
"""Seconds of speech below which there is no speech level."""

ACTIVE_RANGE_DB = 22.0
"""Rows within this of the loudest twentieth are active speech: the definition of the evaluation mixes, near to ITU-T
P.56's margin of 15.9 dB under the active level."""

LEAST_PAUSE_ROWS = 15
"""With less than 150 ms of pause, the quietest tenth of the rows is used as the room (docs/measures.md)."""

LEAST_UNPAUSED_ROWS = 300
"""Beside the far end, under 3 s of speech without a pause say nothing of the room: the patient may just have begun."""
LEAST_HEARD_ROWS = 200
"""With a gap and no pause, under 2 s of sound is most likely part of a word: no room can be heard in it."""

AROUND_LOST_ROWS = 10
"""Rows on either side of a loss in which a detector may miss the speech: 100 ms."""

QUIET_PERCENTILE = 10.0

DIP_ROWS = 300
DIP_MARGIN_DB = 12.0
"""Lasting noise stays within this distance, dB, of the dips of the last 3 s (fitted to false prompts on coughing and
laughing, and to the time to raise)."""

QUIETEST_PERCENTILE = 5.0
UNDER_ECHO_DB = 3.0
"""Steady noise is about this far, dB, above its quietest twentieth of rows."""

LOWEST_SNR_DB = -20.0
HIGHEST_SNR_DB = 80.0
"""Beyond these limits the estimate reflects rounding noise, not a room."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Level of the room while nobody speaks, dBFS: mean power, and the median row."""

    mean_db: float
    median_db: float

    @property
    def steady_db(self) -> float:
        """Half-way between the two: a single event (a cough, a door) moves it little, steady noise moves it fully."""
        return 0.5 * (self.mean_db + self.median_db)


def mean_db(powers: npt.NDArray[np.float64]) -> float:
    """Mean of powers, dB, floored at -120; ``powers`` must not be empty."""
    return max(FLOOR_DB, 10.0 * math.log10(float(np.add.reduce(powers)) / powers.size))


def speech_level(rows: MarkedRows, no_words: BoolArray | None = None) -> float | None:
    """Active level of the speech rows, dBFS; ``None`` under 0.2 s of speech. ``no_words``: speech that is none."""
    spoken = rows.sounding_speech if no_words is None else rows.sounding_speech & ~no_words
    levels = rows.level_db[spoken]
    if levels.size < LEAST_SPEECH_ROWS:
        return None
    active = spoken & (rows.level_db >= percentile(levels, 95.0) - ACTIVE_RANGE_DB)
    return mean_db(rows.level_power[active])


def noise(
    rows: MarkedRows, carried_db: float | None = None, lost: BoolArray | None = None, *, in_pauses_only: bool = False
) -> Noise | None:
    """Noise in the pauses, dBFS; ``None`` if almost every row was lost or the far end's, or if
    little beside the far end was heard.

    Without a pause, the quietest tenth of the rows is an upper bound, and the carried floor (``carried_db``, the
    earlier level of the room) may lower that bound; digital silence has the floor, -120. ``lost``: rows that were lost
    before they reached us; a detector leaves the speech around them in the pauses. ``in_pauses_only``: ``None`` if
    someone speaks without a pause.
    """
    paused = rows.pause
    if lost is not None and lost.any():
        paused = paused & ~spread(lost, AROUND_LOST_ROWS, AROUND_LOST_ROWS)
    pause = rows.level_db[paused]
    if pause.size >= LEAST_PAUSE_ROWS:
        return Noise(mean_db(rows.level_power[paused]), percentile(pause, 50.0))
    if in_pauses_only and rows.speech.any():
        return None
    heard = rows.level_db[rows.sounding]
    if carried_db is None and heard.size < LEAST_UNPAUSED_ROWS and rows.far_end.any():
        return None
    if heard.size < LEAST_HEARD_ROWS and rows.gap.any():
        return None
    if heard.size:
        quiet = percentile(heard, QUIET_PERCENTILE)
        quiet = quiet if carried_db is None else min(quiet, carried_db)
        return Noise(quiet, quiet)
    return Noise(FLOOR_DB, FLOOR_DB) if rows.present.any() else None


def steady_noise(rows: MarkedRows, *, in_pauses_only: bool = False) -> float | None:
    """Lasting noise, dBFS. ``recent`` uses it, so that a cough or a laugh raises no prompt.

    Lasting noise also fills the dips between syllables, so the quietest tenth of the last 3 s bounds it; the
    patient's own cough or laugh, which a detector leaves in the pauses, does not.
    """
    room = noise(rows, in_pauses_only=in_pauses_only)
    heard = rows.level_db[-DIP_ROWS:][rows.sounding[-DIP_ROWS:]]
    if room is None or not heard.size or not rows.speech.any():
        return None if room is None else room.steady_db
    return min(room.steady_db, percentile(heard, QUIET_PERCENTILE) + DIP_MARGIN_DB)


def under_echo(rows: MarkedRows) -> float:
    """Noise in a room that echoes, dBFS, estimated from the quietest twentieth of the rows.

    The tail of every word fills the pauses; only the end of a long pause shows the noise. At least one row must be
    present.
    """
    heard = rows.level_db[rows.sounding]
    return percentile(heard, QUIETEST_PERCENTILE) + UNDER_ECHO_DB


def signal_to_noise(speech_db: float, noise_db: float) -> float:
    """Speech against noise, dB, -20..80: ``speech_db`` includes the noise, which is subtracted here."""
    power = 10.0 ** (speech_db / 10.0) - 10.0 ** (noise_db / 10.0)
    if power <= 0.0:
        return LOWEST_SNR_DB
    return float(np.clip(10.0 * np.log10(power) - noise_db, LOWEST_SNR_DB, HIGHEST_SNR_DB))
