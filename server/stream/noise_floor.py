"""The noise floor carried through a session: the level of the room while nobody spoke."""

from typing import Any

from server.values.audio import Float32Array
from server.values.rows import Column, is_pause, median
from server.values.stored import number

RISE_DB_PER_S = 1.0
"""How fast the carried floor follows louder pauses. A 30 dB change takes 30 s: about the memory that helps a window
without a pause, while a passing car does not stay for minutes."""

MIN_ROOM_ROWS = 10
"""Less than 100 ms of pause in a hop is not enough; the floor stays."""


class NoiseFloor:
    """Falls at once, rises slowly; advanced once per hop. It never feeds ``recent``."""

    def __init__(self) -> None:
        self._floor_db: float | None = None

    def advance(self, rows: Float32Array) -> float | None:
        """Take the rows of one hop, float32 ``(r, N_COLUMNS)``; the floor in dBFS, ``None`` before any pause."""
        levels = rows[is_pause(rows), Column.LEVEL_DB]
        heard = median(levels) if levels.size >= MIN_ROOM_ROWS else None
        if heard is not None:
            if self._floor_db is None or heard <= self._floor_db:
                self._floor_db = heard
            else:
                self._floor_db = min(heard, self._floor_db + RISE_DB_PER_S * rows.shape[0] / 100)
        return self._floor_db

    def snapshot(self) -> dict[str, Any]:
        """The floor in dBFS, or None before the first pause, as JSON values."""
        return {"floor_db": self._floor_db}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a ``snapshot``. Raises KeyError, TypeError or ValueError for anything else."""
        floor = state["floor_db"]
        self._floor_db = None if floor is None else number(floor)
