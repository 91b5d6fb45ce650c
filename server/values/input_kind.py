"""What a microphone gives when nobody speaks: a room, or nothing that comes from one."""

from enum import StrEnum

import numpy as np

from server.values.audio import Float32Array
from server.values.percentiles import percentile
from server.values.rows import DIGITAL_SILENCE, ROW_RATE, Column, is_far_end, is_gap, is_silent, runs

FLOOR_DBFS = -50.0
FLOOR_SPREAD_DB = 3.0
"""A bare noise floor, or hum, stays within this distance of its median, dB. In a room something moves, and a fan's
rumble varies by more: 10 ms of white noise spread by 1.6 dB, of noise below 500 Hz by 8 dB."""

DEAD_DBFS = -85.0
"""Below this there is only rounding, whatever its spread."""

LEAST_ROWS = ROW_RATE

GATED_ROWS = (8, 150)
"""Rows of zeros between two sounds, 80 ms to 1.5 s, that a noise gate makes. Losses are shorter, and whoever mutes is
silent for longer."""


class InputKind(StrEnum):
    """``SOUND``: a room, or unknown. ``GATED``: sound whose pauses are exact zeros. ``FLOOR``: only the steady noise or
    hum of a line or an input. ``ZEROS``: only digital silence."""

    SOUND = "sound"
    GATED = "gated"
    FLOOR = "floor"
    ZEROS = "zeros"


def input_kind(rows: Float32Array) -> InputKind:
    """Of feature rows, float32 ``(n, N_COLUMNS)``; lost rows (gaps) prove nothing, nor does under a second."""
    arrived = ~is_gap(rows)
    if np.count_nonzero(arrived) < LEAST_ROWS:
        return InputKind.SOUND
    if (rows[arrived, Column.ZERO] >= DIGITAL_SILENCE).all():
        return InputKind.ZEROS  # whoever speaks at the far end
    silent, present = is_silent(rows), arrived & ~is_far_end(rows)
    if np.count_nonzero(present) < LEAST_ROWS:
        return InputKind.SOUND
    if _is_gated(rows):
        return InputKind.GATED
    levels = rows[present & ~silent, Column.LEVEL_DB]
    if not levels.size:
        return InputKind.SOUND  # only the far end sounded
    median, highest = percentile(levels, 50.0), percentile(levels, 99.0)
    steady = median <= FLOOR_DBFS and highest - median <= FLOOR_SPREAD_DB
    return InputKind.FLOOR if steady or highest <= DEAD_DBFS else InputKind.SOUND


def _is_gated(rows: Float32Array) -> bool:
    least, longest = GATED_ROWS
    far = is_far_end(rows)
    n = rows.shape[0]
    return any(
        0 < start < end < n and least <= end - start <= longest and not far[start - 1] and not far[end]
        for start, end in runs(is_silent(rows))
    )
