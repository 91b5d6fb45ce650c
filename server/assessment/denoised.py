"""Voice and noise of a session by a denoiser: asked second by second, kept for as long as a window is."""

import base64
from typing import Any

import numpy as np

from server.errors import ScoringError
from server.scoring.denoising import TENTHS, UNKNOWN_LEVELS, DenoiseRequest, Float16Array
from server.scoring.ports import Priority, Scoring
from server.values.audio import CORE_RATE, Float32Array
from server.values.rows import Column, is_speech
from server.values.stored import count, number
from server.values.windows import WINDOW_S, Window

LIVE_WITHIN_S = 1.0
"""A second that takes longer is left out: its window is judged by the other measures."""
FILE_WITHIN_S = 120.0

VOICE_DBFS = -26.0
"""Level that the voice is brought to (ITU-T P.56's usual nominal level). At 6 dB more or less the ratio of voice and
noise moves by 3 dB in one recording of ten, at -56 dBFS by 12 dB."""
LEAST_GAIN_DB, MOST_GAIN_DB = -20.0, 40.0
REGAIN_DB = 6.0
"""The gain stays while the voice is this near to its level: with another gain, the room has to be learned anew."""
LEAST_SPEECH_ROWS = 50

LEARNING_S = 3
"""A denoiser learns a room's noise in so many seconds, and takes away some of the words in them."""


class DenoisedSeconds:
    """What a denoiser made of the last 10 s of one session or file. ``of`` for each window, in order, one at a time."""

    def __init__(self, service: Scoring, priority: Priority) -> None:
        self._service = service
        self._priority = priority
        self._next = 0
        self._gain_db = 0.0
        self._memory: Float16Array | None = None
        self._levels = np.zeros((0, 2), np.float32)

    async def of(self, window: Window) -> tuple[Float32Array, bool]:
        """Levels from the window's start to its last whole second, and whether some were due but missing.

        float32 ``(10 s, 2)`` as ``Denoised.levels``; empty without a denoiser. Never raises for one that fails.
        """
        if not self._service.has_denoiser:
            return UNKNOWN_LEVELS, False
        start, end = int(window.start_s), int(window.end_s)
        if self._next < start:
            self._next, self._memory = start, None
        levels, memory, missing = self._levels, self._memory, False
        gain_db = self._gain_for(window)
        if memory is None or gain_db != self._gain_db:
            memory = await self._learned(window, gain_db)
        for second in range(self._next, end):
            heard, memory = await self._second(window, second, gain_db, memory)
            missing = missing or heard is None
            unknown = np.full((TENTHS, 2), np.nan, np.float32)
            levels = np.concatenate((levels, unknown if heard is None else heard))
        self._next, self._memory, self._gain_db = max(self._next, end), memory, gain_db
        self._levels = levels[-WINDOW_S * TENTHS :]
        wanted = (end - start) * TENTHS
        stop = max(0, self._levels.shape[0] - (self._next - end) * TENTHS)
        known = self._levels[max(0, stop - wanted) : stop]
        ahead = np.full((wanted - known.shape[0], 2), np.nan, np.float32)
        return np.concatenate((ahead, known)), missing

    async def _learned(self, window: Window, gain_db: float) -> Float16Array | None:
        """What a denoiser remembers of the seconds before the next one; of the window itself where those are few."""
        start, end = int(window.start_s), int(window.end_s)
        memory = None
        for second in range(start, self._next if self._next - start >= LEARNING_S else end):
            _, memory = await self._second(window, second, gain_db, memory)
        return memory

    async def _second(
        self, window: Window, second: int, gain_db: float, memory: Float16Array | None
    ) -> tuple[Float32Array | None, Float16Array | None]:
        pcm = window.pcm[: (second + 1 - int(window.start_s)) * CORE_RATE]
        request = DenoiseRequest(second * CORE_RATE, (second + 1) * CORE_RATE, pcm, gain_db, memory)
        within_s = LIVE_WITHIN_S if self._priority is Priority.LIVE else FILE_WITHIN_S
        try:
            answer = await self._service.denoise(request, self._priority, within_s)
        except ScoringError:
            return None, None
        return answer.levels, answer.memory

    def _gain_for(self, window: Window) -> float:
        """Brings the window's voice near to the level that denoisers know; while nobody speaks, as before."""
        spoken = window.rows[is_speech(window.rows), Column.LEVEL_DB]
        if spoken.size < LEAST_SPEECH_ROWS:
            return self._gain_db
        voice_db = 10.0 * np.log10(np.mean(10.0 ** (spoken.astype(np.float64) / 10.0)))
        wanted = float(np.clip(VOICE_DBFS - voice_db, LEAST_GAIN_DB, MOST_GAIN_DB))
        return wanted if abs(wanted - self._gain_db) > REGAIN_DB else self._gain_db

    def snapshot(self) -> dict[str, Any]:
        """JSON-able, some 50 kB where a denoiser runs: what it remembers goes along, and no audio."""
        return {
            "next": self._next,
            "gain_db": self._gain_db,
            "memory": None if self._memory is None else base64.b64encode(self._memory.tobytes()).decode("ascii"),
            "levels": [[None if np.isnan(one) else float(one) for one in row] for row in self._levels],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a ``snapshot``. Raises KeyError, TypeError or ValueError for anything else."""
        self._next, self._gain_db = count(state["next"]), number(state["gain_db"])
        memory = state["memory"]
        self._memory = None if memory is None else np.frombuffer(base64.b64decode(memory), np.float16)
        rows = [[np.nan if one is None else number(one) for one in row] for row in state["levels"]]
        self._levels = np.asarray(rows, np.float32).reshape(-1, 2)
